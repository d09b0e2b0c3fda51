/** The domains of which pages may be, none being all; and those of which they may not, whatever the others are. */
export interface Domains {
  readonly domains: readonly string[];
  readonly blocked: readonly string[];
}

/** Whether a page of a URL may be read: subdomains are as their domain is. */
export function isAllowed(url: string, { domains, blocked }: Domains): boolean {
  return (domains.length === 0 || isOf(url, domains)) && !isOf(url, blocked);
}

function isOf(url: string, domains: readonly string[]): boolean {
  if (!URL.canParse(url)) return false;
  const hostname = new URL(url).hostname.replace(/\.$/, '');
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
