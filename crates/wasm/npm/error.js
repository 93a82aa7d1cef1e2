/** The error of everything here; `kind` says which, see index.d.ts. */
export class MinilmError extends Error {
  constructor(kind, message, options) {
    super(message, options);
    this.name = "MinilmError";
    this.kind = kind;
  }
}
