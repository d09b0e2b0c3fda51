// antiphon/jwt: tokens as `auth` accepts them, for any runtime. An entry of its own, since its library is not for all.

export { verifyJwt } from '../handler/identity/verify-jwt.ts';
