import type { Schema } from "@/api/client";
import { shortDate } from "@/format";
import { useNow } from "@/habits/clock";
import { useLanguage, useText, word } from "@/i18n";
import { logText, workText } from "./messages";
import { useNameOf } from "./names";

/** A line of a work item's log in words: who did what, what came of it, what was noted. */
export function LogLine({ entry }: { entry: Schema<"LogEntryView"> }) {
  const t = useText(logText);
  const words = useText(workText);
  const language = useLanguage();
  const now = useNow(60_000);
  const nameOf = useNameOf();
  const parts = [
    entry.kind ? word(words.act, entry.kind) : word(t.what, entry.what),
    entry.result && word(words.results, entry.result),
    entry.to && t.to(nameOf(entry.to)),
    entry.promised_on && t.promised(shortDate(entry.promised_on, now, language)),
    entry.follow_up_on && t.next(shortDate(entry.follow_up_on, now, language)),
  ];
  return (
    <span>
      <b>{entry.by ? nameOf(entry.by) : t.system}</b>
      {entry.on_behalf_of && ` ${t.for(nameOf(entry.on_behalf_of))}`} {parts.filter(Boolean).join(" · ")}
      {entry.note && <q> {entry.note}</q>}
    </span>
  );
}
