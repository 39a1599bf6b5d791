// A policy is typed by people, so these bounds are far above any that was written by hand, and far below what a stack or a
// turn of the event loop notices. Source of the first two: reliability.md 2.3

/** Of a policy's text in UTF-8, as typed and as printed. */
export const POLICY_BYTES_MAX = 16 * 1024;
/** How deep lists and sequences are nested. Every walk over an expression may recurse because of it. */
export const EXPRESSION_DEPTH_MAX = 64;
/** Values, names, lists and sequences in one expression: no text of 16 KiB holds more, since each takes a character and a space. */
export const EXPRESSION_NODES_MAX = POLICY_BYTES_MAX / 2;
/** Nodes evaluated and items compared in one evaluation. Each node is reached once and compared with at most two others. */
export const STEPS_MAX = 4 * EXPRESSION_NODES_MAX;
/** How many of an expression's questions about attributes are answered by trying all answers. Source: decisions.md D10 */
export const ATOMS_MAX = 16;
