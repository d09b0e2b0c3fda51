/** Whether a URL is of one of these domains, or of a subdomain of one; of any where there are none. */
export function isAllowed(url: string, domains: readonly string[]): boolean {
  if (domains.length === 0) return true;
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return domains.some((domain) => {
    const name = hostOf(domain);
    return hostname === name || hostname.endsWith(`.${name}`);
  });
}

/** A URL's domain as a citation shows it. */
export function domainOf(url: string): string {
  return new URL(url).hostname.replace(/^www\./, '');
}

/** A domain as URLs write it: `bücher.example` is `xn--bcher-kva.example` there. */
function hostOf(domain: string): string {
  return URL.canParse(`http://${domain}`) ? new URL(`http://${domain}`).hostname : domain;
}
