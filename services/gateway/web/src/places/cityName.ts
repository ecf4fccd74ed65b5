import { DIVISIONS } from "./divisions";

let names: Map<string, string> | undefined;

function table(): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of DIVISIONS.trim().split("\n")) {
    const [province = "", ...cities] = line.split(" ");
    found.set(`${province.slice(0, 2)}0000`, province.slice(2));
    for (const city of cities) {
      found.set(`${province.slice(0, 2)}${city.slice(0, 2)}00`, city.slice(2));
    }
  }
  return found;
}

/** BOSS sends codes only: the name that the national standard gives a city or province, else the code as it came. */
export function cityName(code: string): string {
  names ??= table();
  return names.get(code) ?? code;
}

/** Name and code, where the code is what people look for: `320100 南京市`. */
export function cityLabel(code: string): string {
  const name = cityName(code);
  return name === code ? code : `${code} ${name}`;
}
