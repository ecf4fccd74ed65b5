import type { Schema } from "@/api/client";

export type Notices = Schema<"NoticesView">;
export type Choices = Schema<"NoticePreferences">;
export type Channel = "mail" | "wecom";
export type Notice = Notices["recent"][number];

export const CHANNELS: readonly Channel[] = ["mail", "wecom"];
export const KINDS = ["churn_warning", "arrears", "complaint_opened", "contract_expiring", "attention"] as const;

/** The form: texts instead of nulls, and quiet hours with a switch, so that their times survive being off. */
export interface Fields {
  mail_address: string;
  wecom_webhook: string;
  digest: { channels: Channel[]; at: string };
  urgent: { channels: Channel[]; severity: "critical" | "major"; kinds: string[] };
  isQuiet: boolean;
  quiet: { begins: string; ends: string };
  language: "zh" | "en";
}

const NIGHT = { begins: "21:00", ends: "08:00" };

export function fieldsOf(choices: Choices): Fields {
  const { digest, urgent, quiet } = choices;
  return {
    mail_address: choices.mail_address ?? "",
    wecom_webhook: choices.wecom_webhook ?? "",
    digest: { channels: [...(digest?.channels ?? [])], at: digest?.at ?? "08:30" },
    urgent: {
      channels: [...(urgent?.channels ?? [])],
      severity: urgent?.severity ?? "critical",
      kinds: [...(urgent?.kinds ?? [])],
    },
    isQuiet: quiet !== null,
    quiet: { begins: quiet?.begins ?? NIGHT.begins, ends: quiet?.ends ?? NIGHT.ends },
    language: choices.language ?? "zh",
  };
}

/** What is saved. A channel without an address is switched off with it: nobody could be told by it. */
export function choicesOf(fields: Fields): Choices {
  const mail = fields.mail_address.trim() || null;
  const wecom = fields.wecom_webhook.trim() || null;
  const there = (channels: Channel[]): Channel[] => channels.filter(channel => (channel === "mail" ? mail : wecom));
  return {
    language: fields.language,
    mail_address: mail,
    wecom_webhook: wecom,
    digest: { ...fields.digest, channels: there(fields.digest.channels) },
    urgent: { ...fields.urgent, channels: there(fields.urgent.channels) },
    quiet: fields.isQuiet ? fields.quiet : null,
  };
}

/** Whether a first try of something is still to come: then the page asks again soon. */
export function isUnderWay(notices: Pick<Notices, "recent"> | undefined): boolean {
  return notices?.recent.some(({ deliveries }) => deliveries.some(isUntried)) ?? false;
}

const isUntried = ({ state, attempts }: Notice["deliveries"][number]): boolean => state === "waiting" && attempts === 0;

const HALF_HOURS = Array.from({ length: 48 }, (_, at) => {
  const [hour, minute] = [Math.floor(at / 2), (at % 2) * 30];
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
});

/** The times of day that may be chosen; one that was saved before and lies between them stays. */
export function halfHours(chosen?: string): string[] {
  return [...new Set([...HALF_HOURS, ...(chosen ? [chosen] : [])])].sort();
}
