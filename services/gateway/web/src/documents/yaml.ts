import { isNode, LineCounter, parseDocument, stringify, type YAMLError } from "yaml";
import type { Fault } from "./api";
import type { Content } from "./model";
import { stepsOf } from "./paths";

/** A document as people write it: YAML, of which JSON is a part; the same words as the server's reader. */
export function asText(document: Content): string {
  return stringify(document, { lineWidth: 0, version: "1.2", aliasDuplicateObjects: false });
}

/** The document in a text, or what is wrong with it, with its line. */
export function readText(text: string): { document?: Content; faults: Fault[] } {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { version: "1.2", uniqueKeys: true, lineCounter: lines, prettyErrors: false });
  const faults = parsed.errors.slice(0, 5).map(error => unreadable(error, lines));
  if (faults.length > 0) {
    return { faults };
  }
  let found: unknown;
  try {
    found = parsed.toJS({ maxAliasCount: 0 });
  } catch {
    return { faults: [fault("不支持别名（*名称），请写全", "there are no aliases (*name): write it out")] };
  }
  if (typeof found !== "object" || found === null || Array.isArray(found)) {
    return { faults: [fault("文档应为“字段: 值”各行", "a document is lines of `field: value`")] };
  }
  return { document: found as Content, faults: [] };
}

function unreadable(error: YAMLError, lines: LineCounter): Fault {
  const { line } = lines.linePos(error.pos[0]);
  return fault(`第 ${line} 行：不是正确的 YAML：${error.message}`, `line ${line}: this is not YAML: ${error.message}`);
}

const fault = (zh: string, en: string): Fault => ({ field: "", zh, en });

/** The line, from 1, on which a place of the document stands; of one that is not there, that of what is around it. */
export function lineOf(text: string, path: string): number {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { version: "1.2", lineCounter: lines });
  for (let steps = stepsOf(path); steps.length > 0; steps = steps.slice(0, -1)) {
    const node = parsed.getIn(steps, true);
    if (isNode(node) && node.range) {
      return lines.linePos(node.range[0]).line;
    }
  }
  const said = /^line (\d+):/.exec(path);
  return said ? Number(said[1]) : 1;
}
