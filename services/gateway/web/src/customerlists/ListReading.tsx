import type { Version } from "@/documents/model";
import { number } from "@/format";
import { useText, word } from "@/i18n";
import { listsText } from "./messages";

/** What a list is for, and how many it names: who they are is for those who write it. */
export default function ListReading({ version }: { version: Version }) {
  const t = useText(listsText);
  return (
    <p>
      {word(t.purposes, String(version.purpose))} · {t.count(number(Number(version.count ?? 0)))}
    </p>
  );
}
