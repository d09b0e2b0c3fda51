/** Members that hold what is no text: images, sounds and files, or URLs of them. */
const NO_TEXT = /^(url|data|file_data|image_url|b64_json)$/;

/** A request as a text whose tokens can be estimated: its JSON, without what is no text in it. */
export function textIn(request: object): string {
  return JSON.stringify(request, (name, value) =>
    typeof value === 'string' && NO_TEXT.test(name) ? undefined : value,
  );
}
