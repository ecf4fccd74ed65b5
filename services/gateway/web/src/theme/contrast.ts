/** Contrast of two opaque colours as WCAG 2 defines it: 1 (the same) to 21 (black on white). */
export function contrast(one: string, other: string): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** Red, green and blue of `#rrggbb` or `rgb(r, g, b)`. Throws RangeError for anything else. */
export function channels(color: string): [number, number, number] {
  const hex = /^#([0-9a-f]{6})$/i.exec(color)?.[1];
  if (hex) {
    return [0, 2, 4].map(at => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
  }
  const decimal = /^rgb\((\d+),\s*(\d+),\s*(\d+)\)$/.exec(color);
  if (decimal) {
    return decimal.slice(1, 4).map(Number) as [number, number, number];
  }
  throw new RangeError(`no opaque colour: ${color}`);
}

function luminance(color: string): number {
  const [r, g, b] = channels(color).map(channel => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
