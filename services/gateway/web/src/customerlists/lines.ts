/** Ids as people paste them: a line each, with commas and tabs of a spreadsheet. */
export function linesOf(text: string): string[] {
  return text
    .split(/[\n\r,，、;；\t]/)
    .map(line => line.trim())
    .filter(Boolean);
}
