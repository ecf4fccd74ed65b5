import { DownloadOutlined } from "@ant-design/icons";
import { Descriptions, Progress } from "antd";
import { useRef } from "react";
import { Link } from "react-router";
import type { Schema } from "@/api/client";
import { EmptyState } from "@/components/EmptyState";
import { Money } from "@/components/Money";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { SystemTime } from "@/components/Time";
import { number } from "@/format";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useLanguage, useText, word } from "@/i18n";
import styles from "./feeds.module.css";
import { LOOKS, type State } from "./grid";
import { feedsText } from "./messages";
import { useFile } from "./queries";

type Receipt = Schema<"FileReceiptView">;

/** A file: how it ended, its figures, where and why rows were rejected. */
export function FilePanel({ name }: { name: string }) {
  const t = useText(feedsText);
  const query = useFile(name);
  return (
    <QueryBlock query={query} what={t.file} skeleton={<Skeletons n={7} />}>
      {file => <Loaded file={file} />}
    </QueryBlock>
  );
}

function Loaded({ file }: { file: Schema<"FeedFile"> }) {
  const t = useText(feedsText);
  const shared = useText(common);
  const link = useRef<HTMLAnchorElement>(null);
  const receipts = [...file.receipts].reverse();
  const last = receipts[0] as Receipt;
  const first = file.first_rejected;
  const isRejected = receipts.some(receipt => (receipt.rejected ?? 0) > 0);
  useShortcuts(
    file.downloadable
      ? [{ keys: "d", label: t.download, group: shared.shortcuts.item, run: () => link.current?.click() }]
      : [],
  );
  return (
    <div className={styles.panel}>
      <Standing receipt={last} />
      {first.length > 0 && (
        <section aria-label={t.firstRejected(first.length, number(last.rejected))}>
          <h3>{t.firstRejected(first.length, number(last.rejected || first.length))}</h3>
          <ul className={styles.rejects}>
            {first.map(row => (
              <li key={`${row.line}/${row.field}`}>
                <b className="kam-number">{t.line(number(row.line))}</b> <code>{row.field}</code>
                <Bilingual text={row.reason} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {file.downloadable && (
        <div className={styles.bar}>
          <a
            ref={link}
            className={styles.download}
            href={`/v1/feeds/files/${encodeURIComponent(file.file)}/rejected`}
            download={`${file.file}.rej`}
          >
            <DownloadOutlined aria-hidden /> {t.download}
          </a>
          <span className="kam-small kam-secondary">{t.valuesIn}</span>
        </div>
      )}
      {isRejected && first.length === 0 && <EmptyState text={t.noRejects} />}
      {receipts.length > 1 && (
        <section aria-label={t.earlier}>
          <h3>{t.earlier}</h3>
          <ul className={styles.rejects}>
            {receipts.slice(1).map((receipt, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: receipts are only added, and have no number of their own
              <li key={at}>
                <StateWord state={receipt.result} /> <SystemTime at={receipt.ended ?? receipt.started} />
                <Reason receipt={receipt} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function Standing({ receipt }: { receipt: Receipt }) {
  const t = useText(feedsText);
  const isUnderWay = receipt.result === "loading";
  const figures: [string, number | undefined][] = [
    [t.read, receipt.rows_read],
    [t.loaded, receipt.loaded],
    [t.unchanged, receipt.unchanged],
    [t.rejected, receipt.rejected],
    [t.stale, receipt.stale || undefined],
    [t.unknown, receipt.unknown_customer || undefined],
    [t.cleared, receipt.cleared || undefined],
  ];
  return (
    <>
      <p className={styles.standing}>
        <StateWord state={receipt.result} />
        {receipt.started && (
          <span className="kam-secondary">
            <SystemTime at={receipt.started} focusable /> → <SystemTime at={receipt.ended} focusable />
          </span>
        )}
      </p>
      {isUnderWay && <Progress percent={receipt.percent ?? 0} aria-label={t.state.loading} />}
      <Reason receipt={receipt} />
      {receipt.result === "held" && <Link to="/documents/releases">{t.toReleases}</Link>}
      {receipt.ended && (
        <Descriptions
          size="small"
          column={2}
          items={[
            ...figures
              .filter(([, value]) => value !== undefined)
              .map(([label, value]) => ({
                key: label,
                label,
                children: <span className="kam-number">{number(value)}</span>,
              })),
            { key: "amount", label: t.amount, children: <Money fen={receipt.amount} /> },
          ]}
        />
      )}
      {(receipt.notes ?? []).map(note => (
        <p key={note} className="kam-small">
          <Bilingual text={note} />
        </p>
      ))}
    </>
  );
}

function StateWord({ state }: { state: State }) {
  const t = useText(feedsText);
  const [glyph, tone] = LOOKS[state];
  return (
    <b className={tone && styles[tone]}>
      <span aria-hidden>{glyph}</span> {word(t.state, state)}
    </b>
  );
}

function Reason({ receipt }: { receipt: Receipt }) {
  const language = useLanguage();
  const said = language === "zh" ? receipt.reason_zh : receipt.reason_en;
  return said ? <p className={styles.reason}>{said}</p> : null;
}

/** What the services say as `中文 / English`: the half in the person's language. */
export function Bilingual({ text }: { text: string }) {
  const language = useLanguage();
  const cut = text.indexOf(" / ");
  if (cut < 0) {
    return <span className={styles.reason}>{text}</span>;
  }
  return <span className={styles.reason}>{language === "zh" ? text.slice(0, cut) : text.slice(cut + 3)}</span>;
}
