import * as v from 'valibot';

/** URLs of images and files that model servers may fetch: schemes, and hosts as patterns with `*`. */
export const media = v.strictObject({
  schemes: v.optional(
    v.array(
      v.pipe(
        v.string('must be a text'),
        v.regex(/^[a-z][a-z\d+.-]*$/, 'must be a scheme in lower case, such as https'),
      ),
      'must be a list',
    ),
    ['http', 'https', 'data'],
  ),
  hosts: v.optional(
    v.array(
      v.pipe(
        v.string('must be a text'),
        v.regex(/^[a-z\d_.*:[\]-]+$/, 'must be a host in lower case, in which * stands for any characters'),
      ),
      'must be a list',
    ),
    ['*'],
  ),
});
