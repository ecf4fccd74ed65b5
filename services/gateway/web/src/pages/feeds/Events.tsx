import type { Schema } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { AsOf } from "@/components/Freshness";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { lag, number } from "@/format";
import { useBreadth } from "@/habits/element";
import { useLanguage, useText } from "@/i18n";
import styles from "./feeds.module.css";
import { feedsText } from "./messages";
import { useEvents } from "./queries";

type Source = Schema<"FeedSource">;

/** Seconds without an event after which a sender counts as silent. */
const SILENT_SECONDS = 600;

/** Live events: how many, how late, and who has gone silent. */
export function Events(_: { id: string | undefined }) {
  const t = useText(feedsText);
  const language = useLanguage();
  const isPhone = useBreadth() === "phone";
  const query = useEvents();
  const columns: Column<Source>[] = [
    { key: "source", title: t.sender, width: isPhone ? 120 : 220, render: sender => sender.source },
    {
      key: "rate",
      title: t.perMinute,
      width: isPhone ? 80 : 120,
      align: "end",
      render: sender => <span className="kam-number">{number(Math.round(sender.per_minute))}</span>,
    },
    ...(isPhone
      ? []
      : [
          {
            key: "events",
            title: t.eventsCount,
            width: 120,
            align: "end",
            render: (sender: Source) => <span className="kam-number">{number(sender.events)}</span>,
          } as const,
        ]),
    {
      key: "last",
      title: t.lastAt,
      width: isPhone ? 110 : 160,
      render: sender => <System at={sender.last_at} now={query.data?.as_of ?? sender.last_at} />,
    },
  ];
  return (
    <QueryBlock
      query={query}
      what={t.events}
      skeleton={<Skeletons n={6} />}
      empty={found => found.sources.length === 0 && <EmptyState text={t.noEvents} />}
    >
      {found => {
        const silent = found.sources.filter(sender => silence(sender, found.as_of) > SILENT_SECONDS);
        return (
          <>
            <div className={styles.bar}>
              <span>
                {t.perMinute} <b className="kam-number">{number(Math.round(sum(found.sources)))}</b>
              </span>
              <span>
                {t.lag} <b className="kam-number">{lag(found.seconds_behind, language)}</b>
              </span>
              <AsOf at={found.as_of} />
            </div>
            {silent.map(sender => (
              <output key={sender.source} className={styles.stale}>
                {t.silent(sender.source, lag(silence(sender, found.as_of), language))}
              </output>
            ))}
            <DataTable label={t.events} rows={found.sources} idOf={sender => sender.source} columns={columns} />
          </>
        );
      }}
    </QueryBlock>
  );
}

const silence = (sender: Source, asOf: string): number => (Date.parse(asOf) - Date.parse(sender.last_at)) / 1000;
const sum = (senders: readonly Source[]): number => senders.reduce((total, sender) => total + sender.per_minute, 0);

/** System time, which is not business time: how long ago by the server's own clock. */
function System({ at, now }: { at: string; now: string }) {
  const language = useLanguage();
  return <span className="kam-number">{lag(Math.max(0, (Date.parse(now) - Date.parse(at)) / 1000), language)}</span>;
}
