// antiphon/cel: the expressions of `costs`, for any runtime. An entry of its own, since its library is a tenth of a Worker.

export { compileCel } from '../handler/cel.ts';
