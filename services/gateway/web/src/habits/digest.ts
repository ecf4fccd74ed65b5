/**
 * A short name for a long text (FNV-1a, 64 bit): the same for the same text, and what it was cannot be read from it. Not
 * `crypto.subtle`, which a page served without TLS does not have.
 */
export function digest(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(36);
}
