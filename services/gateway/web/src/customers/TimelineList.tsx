import { useQuery } from "@tanstack/react-query";
import { Button, Segmented } from "antd";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { SmsTag } from "@/alerts/SmsTag";
import { sentence } from "@/alerts/sentence";
import { useTelling } from "@/alerts/useTelling";
import { answer, api } from "@/api/client";
import { BlockError } from "@/components/BlockError";
import { EmptyState } from "@/components/EmptyState";
import { Sentence } from "@/components/Sentence";
import { SeverityTag } from "@/components/SeverityTag";
import { Skeletons } from "@/components/Skeletons";
import { StateTag } from "@/components/StateTag";
import { ShortTime } from "@/components/Time";
import { shortDate } from "@/format";
import { useNow } from "@/habits/clock";
import { common, useLanguage, useText, word } from "@/i18n";
import { workText } from "@/work/messages";
import styles from "./customer.module.css";
import { customerText } from "./messages";
import { type Entry, FILTERS, type TimelineFilter, useEntries, type View } from "./useCustomer";

interface Props {
  view: View;
  onLog?: () => void;
  /** On a phone the first few, until the person asks for more. */
  first?: number;
}

/** Alerts, SMS with their receipts, complaints, contacts and work in one order, the newest first. */
export function TimelineList({ view, onLog, first }: Props) {
  const t = useText(customerText);
  const [filter, setFilter] = useState<TimelineFilter>("all");
  const [isShort, setShort] = useState(first !== undefined);
  const [query] = useSearchParams();
  const at = query.get("at");
  const { query: read, entries, hasMore, more } = useEntries(view.customer.customer_id, filter, view);
  const shown = isShort && filter === "all" ? entries.slice(0, first) : entries;
  const isReading = read.isFetching && filter !== "all" && entries.length === 0;
  return (
    <section className={styles.card} aria-label={t.timeline}>
      <h2>{t.timeline}</h2>
      <div className={styles.filters}>
        <Segmented<TimelineFilter>
          size="small"
          aria-label={t.timeline}
          value={filter}
          onChange={setFilter}
          options={(Object.keys(FILTERS) as TimelineFilter[]).map(value => ({ value, label: t.filters[value] }))}
        />
      </div>
      {read.error && <BlockError what={t.timeline} error={read.error} retry={() => void read.refetch()} />}
      {isReading && <Skeletons n={5} height={44} />}
      {!isReading && shown.length === 0 && !read.error && (
        <EmptyState text={t.noEntries}>
          {onLog && (
            <Button size="small" onClick={onLog}>
              {t.logFirst}
            </Button>
          )}
        </EmptyState>
      )}
      <ol className={styles.timeline}>
        {shown.map(entry => (
          <Line key={entry.entry_id} entry={entry} isMarked={entry.entry_id === at} />
        ))}
      </ol>
      {(hasMore || shown.length < entries.length) && (
        <Button
          block
          loading={read.isFetching && shown.length > 0}
          onClick={() => (shown.length < entries.length ? setShort(false) : more())}
        >
          {t.older}
        </Button>
      )}
    </section>
  );
}

function Line({ entry, isMarked }: { entry: Entry; isMarked: boolean }) {
  const place = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isMarked) {
      place.current?.scrollIntoView({ block: "center" });
    }
  }, [isMarked]);
  return (
    <li ref={place} className={isMarked ? styles.marked : ""}>
      <span className={styles.when}>
        <ShortTime at={entry.at} />
      </span>
      <div className={styles.what}>{told(entry)}</div>
    </li>
  );
}

function told(entry: Entry): ReactNode {
  switch (entry.of) {
    case "alert":
      return <OfAlert entry={entry} />;
    case "sms":
      return <OfSms entry={entry} />;
    case "complaint":
      return <OfComplaint entry={entry} />;
    default:
      return <OfPerson entry={entry} />;
  }
}

function OfAlert({ entry }: { entry: Entry }) {
  const shared = useText(common);
  const telling = useTelling();
  const facts = {
    ...entry,
    kind: entry.kind ?? "",
    rule: entry.rule ?? { id: "", version: 0 },
    state: entry.state ?? "",
  };
  return (
    <>
      {entry.severity && <SeverityTag severity={entry.severity} />} {word(shared.kind, facts.kind)}{" "}
      <Link className={styles.plain} to={`/alerts/${encodeURIComponent(entry.alert_id ?? "")}`}>
        <Sentence parts={sentence(facts as Parameters<typeof sentence>[0], telling)} />
      </Link>{" "}
      <StateTag of="alert" state={facts.state} outcome={entry.outcome} />
    </>
  );
}

function OfSms({ entry }: { entry: Entry }) {
  const t = useText(customerText);
  const [isOpen, setOpen] = useState(false);
  const id = entry.sms_id ?? "";
  const { data, error } = useQuery({
    queryKey: ["sms", id],
    queryFn: ({ signal }) => answer(api.GET("/v1/sms/{id}", { params: { path: { id } }, signal })),
    enabled: isOpen,
  });
  return (
    <>
      {t.sms} <SmsTag state={entry.state ?? ""} reason={entry.reason} about={aboutOf(entry)} />{" "}
      {entry.kind === "manual" && <span className="kam-secondary">{t.byHand} </span>}
      <Button type="link" size="small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? t.less : t.whole}
      </Button>
      <Link className="kam-small" to={`/why/${encodeURIComponent(id)}`}>
        {t.why}
      </Link>
      {isOpen &&
        (data ? <q className={styles.note}>{data.text}</q> : error ? <BlockError what={t.sms} error={error} /> : null)}
    </>
  );
}

/** What of an SMS can be stopped, as far as the time line knows: its template, and what people write. */
const aboutOf = ({ kind }: Entry): string[] => [`template/${kind}`, ...(kind === "manual" ? ["kind/manual"] : [])];

function OfComplaint({ entry }: { entry: Entry }) {
  const t = useText(customerText);
  const shared = useText(common);
  return (
    <>
      <b>{shared.kind.complaint_opened}</b> {word(shared.complaintAbout, entry.kind ?? "")} ·{" "}
      {word(shared.complaintState, entry.state ?? "")}{" "}
      {entry.event_id && (
        <Link className="kam-small" to={`/why/${encodeURIComponent(entry.event_id)}`}>
          {t.why}
        </Link>
      )}
      {entry.note && <q className={styles.note}>{entry.note}</q>}
    </>
  );
}

function OfPerson({ entry }: { entry: Entry }) {
  const t = useText(customerText);
  const words = useText(workText);
  const shared = useText(common);
  const language = useLanguage();
  const now = useNow(60_000);
  const isContact = entry.of === "contact";
  const parts = [
    isContact ? word(words.act, entry.kind ?? "") : word(t.step, entry.kind ?? ""),
    entry.result && word(words.results, entry.result),
    entry.outcome && word(shared.outcome, entry.outcome),
    entry.to,
    entry.promised_on && t.promised(shortDate(entry.promised_on, now, language)),
    entry.follow_up_on && t.next(shortDate(entry.follow_up_on, now, language)),
  ];
  return (
    <>
      <b>{entry.by_name ?? entry.by ?? t.system}</b> {parts.filter(Boolean).join(" · ")}{" "}
      {entry.work_id && (
        <Link className="kam-small" to={`/work/${encodeURIComponent(entry.work_id)}`}>
          {word(shared.workKind, entry.work_kind ?? "")}
        </Link>
      )}
      {entry.note && <q className={styles.note}>{entry.note}</q>}
    </>
  );
}
