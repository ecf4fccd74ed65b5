import { messages } from "@/i18n";

/** What is not sent just now. */
export const stopsText = messages(
  {
    intro: "停发一秒内生效，不等积压：不再发出，等着的先扣住；恢复后按当时的情况重新判断。",
    list: "停发中的",
    none: "没有停发的。",
    what: "停发什么",
    which: "哪一个",
    sorts: { channel: "通道", template: "模板", kind: "预警种类", rule: "规则的短信" },
    by: "谁",
    at: "何时",
    why: "理由",
    whyNeeded: "请写明理由",
    stop: "停发",
    stopped: (what: string) => `已停发：${what}`,
    release: "恢复",
    released: (what: string) => `已恢复：${what}`,
    newStop: "新的停发",
    said: (by: string, why: string) => `${by} 停发：${why}`,
  },
  {
    intro:
      "A stop holds within a second, whatever waits: nothing more leaves, what waits is held. On release it is decided anew.",
    list: "What is stopped",
    none: "Nothing is stopped.",
    what: "Stop",
    which: "Which",
    sorts: { channel: "channel", template: "template", kind: "kind of alert", rule: "a rule's SMS" },
    by: "Who",
    at: "When",
    why: "Reason",
    whyNeeded: "Say why",
    stop: "Stop",
    stopped: what => `Stopped: ${what}`,
    release: "Release",
    released: what => `Released: ${what}`,
    newStop: "A new stop",
    said: (by, why) => `stopped by ${by}: ${why}`,
  },
);
