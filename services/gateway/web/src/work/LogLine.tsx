import type { Schema } from "@/api/client";
import { shortDate } from "@/format";
import { useNow } from "@/habits/clock";
import { count, messages, useLanguage, useText, word } from "@/i18n";
import { workText } from "./messages";

const text = messages(
  {
    system: "系统",
    for: (name: string) => `代${name}`,
    what: {
      opened: "建立",
      accepted: "接单",
      released: "撤回接单",
      acted: "处理",
      closed: "办结",
      reopened: "重新打开",
      reassigned: "转派",
      due_changed: "时限变更",
    },
    to: (name: string) => `给 ${name}`,
    promised: (day: string) => `承诺 ${day} 缴`,
    next: (day: string) => `下次 ${day}`,
    lines: (n: number) => `${n} 笔`,
  },
  {
    system: "System",
    for: name => `for ${name}`,
    what: {
      opened: "opened",
      accepted: "accepted",
      released: "acceptance taken back",
      acted: "acted",
      closed: "closed",
      reopened: "reopened",
      reassigned: "handed over",
      due_changed: "due time changed",
    },
    to: name => `to ${name}`,
    promised: day => `promised for ${day}`,
    next: day => `next ${day}`,
    lines: n => count(n, "entry", "entries"),
  },
);

/** A line of a work item's log in words: who did what, what came of it, what was noted. */
export function LogLine({ entry }: { entry: Schema<"LogEntryView"> }) {
  const t = useText(text);
  const words = useText(workText);
  const language = useLanguage();
  const now = useNow(60_000);
  const parts = [
    entry.kind ? word(words.act, entry.kind) : word(t.what, entry.what),
    entry.result && word(words.results, entry.result),
    entry.to && t.to(entry.to),
    entry.promised_on && t.promised(shortDate(entry.promised_on, now, language)),
    entry.follow_up_on && t.next(shortDate(entry.follow_up_on, now, language)),
  ];
  return (
    <span>
      <b>{entry.by ?? t.system}</b>
      {entry.on_behalf_of && ` ${t.for(entry.on_behalf_of)}`} {parts.filter(Boolean).join(" · ")}
      {entry.note && <q> {entry.note}</q>}
    </span>
  );
}
