import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Descriptions, Tooltip } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";
import { answer, api, asProblem, type Schema } from "@/api/client";
import { BlockError } from "@/components/BlockError";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { AsOf } from "@/components/Freshness";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { WithPanel } from "@/components/WithPanel";
import { exact } from "@/format";
import { useUndo } from "@/habits/undo";
import { useText } from "@/i18n";
import { useMe } from "@/session/session";
import { Bilingual } from "./FilePanel";
import styles from "./feeds.module.css";
import { feedsText } from "./messages";
import { useLetters } from "./queries";

type Letter = Schema<"DeadLetterView">;
type Plan = Schema<"ReplayView">;

const REPLAYING = ["operations", "administrator"];

/** Messages that could not be handled: replayed after a dry run of the same ones. */
export function Letters({ id }: { id: string | undefined }) {
  const t = useText(feedsText);
  const navigate = useNavigate();
  const query = useLetters();
  const mayReplay = REPLAYING.includes(useMe().role);
  const [current, setCurrent] = useState<string>();
  const [selected, setSelected] = useState<readonly string[]>([]);
  const open = (letter: string | undefined): void =>
    void navigate(letter ? `/feeds/dead-letters/${encodeURIComponent(letter)}` : "/feeds?tab=letters");
  const columns: Column<Letter>[] = [
    { key: "at", title: t.at, width: 190, render: letter => exact(letter.at).slice(0, 19) },
    { key: "service", title: t.app, width: 140, render: letter => letter.service },
    { key: "type", title: t.type, width: 220, render: letter => letter.type ?? "—" },
    {
      key: "reason",
      title: t.reason,
      width: 420,
      render: letter => <Bilingual text={letter.reason ?? letter.error ?? "—"} />,
    },
    {
      key: "replays",
      title: t.replays,
      width: 110,
      render: letter => (letter.quarantined ? t.quarantined : letter.replays),
    },
  ];
  const rows = query.data?.rows ?? [];
  const held = selected.filter(one => rows.some(letter => letter.id === one));
  const chosen = rows.find(letter => letter.id === id);
  return (
    <WithPanel
      title={chosen?.type ?? chosen?.topic ?? id}
      panel={id && (chosen ? <LetterPanel letter={chosen} /> : query.isSuccess && <EmptyState text={t.letterGone} />)}
      onClose={() => open(undefined)}
    >
      <QueryBlock
        query={query}
        what={t.letters}
        skeleton={<Skeletons n={6} />}
        empty={found => found.rows.length === 0 && <EmptyState text={t.noLetters} />}
      >
        {found => (
          <>
            <AsOf at={found.as_of} />
            {mayReplay && (
              <Replay key={[...held].sort().join()} ids={held} cap={found.cap} onDone={() => setSelected([])} />
            )}
            <DataTable
              label={t.letters}
              rows={found.rows}
              idOf={letter => letter.id}
              columns={columns}
              current={current ?? id}
              onCurrent={setCurrent}
              onOpen={letter => open(letter.id)}
              selected={held}
              onSelect={mayReplay ? ids => setSelected(ids.slice(0, found.cap)) : undefined}
            />
          </>
        )}
      </QueryBlock>
    </WithPanel>
  );
}

interface ReplayProps {
  ids: readonly string[];
  cap: number;
  onDone: () => void;
}

/** Dry run first; its outcome holds for this selection alone (a new one mounts anew). */
export function Replay({ ids, cap, onDone }: ReplayProps) {
  const t = useText(feedsText);
  const client = useQueryClient();
  const { tell } = useUndo();
  const [dry, setDry] = useState<Plan>();
  const ask = (body: Schema<"ReplayBody">): Promise<Plan> => answer(api.POST("/v1/dead-letters/replay", { body }));
  const rehearse = useMutation({ mutationFn: () => ask({ ids: [...ids], dry_run: true }), onSuccess: setDry });
  const replay = useMutation({
    mutationFn: () => ask({ ids: [...ids], dry_run: false, after: dry?.selection }),
    onSuccess: done => {
      tell({ text: t.replayed(done.replayed.length) });
      onDone();
      void client.invalidateQueries({ queryKey: ["feeds", "letters"] });
    },
    onError: error => {
      if (asProblem(error).isClash) {
        setDry(undefined);
        void client.invalidateQueries({ queryKey: ["feeds", "letters"] });
      }
    },
  });
  const able = dry?.replayed.length ?? 0;
  const failure = rehearse.error ?? replay.error;
  return (
    <div className={styles.bar}>
      <span>{t.selected(ids.length)}</span>
      <Button disabled={ids.length === 0} loading={rehearse.isPending} onClick={() => rehearse.mutate()}>
        {t.dryRun}
      </Button>
      <output>{dry && `→ ${t.outcome(able, dry.quarantined.length, dry.gone.length)}`}</output>
      <Tooltip title={dry ? undefined : t.needDryRun}>
        <Button type="primary" disabled={able === 0} loading={replay.isPending} onClick={() => replay.mutate()}>
          {t.replay(able)}
        </Button>
      </Tooltip>
      <span className="kam-small kam-secondary">{t.cap(cap)}</span>
      {failure &&
        (asProblem(failure).isClash ? <output>{t.changed}</output> : <BlockError what={t.letters} error={failure} />)}
    </div>
  );
}

function LetterPanel({ letter }: { letter: Letter }) {
  const t = useText(feedsText);
  const items: [string, string | null][] = [
    [t.at, exact(letter.at)],
    [t.app, letter.service],
    [t.topic, `${letter.topic}/${letter.partition}@${letter.offset}`],
    [t.source, letter.source],
    [t.event, letter.event_id],
    [t.error, letter.error],
    [t.replays, letter.quarantined ? `${letter.replays} · ${t.quarantined}` : String(letter.replays)],
    [t.id, letter.id],
  ];
  return (
    <div className={styles.panel}>
      <p className={styles.reason}>
        <Bilingual text={letter.reason ?? letter.error ?? "—"} />
      </p>
      <Descriptions
        size="small"
        column={1}
        items={items.map(([label, value]) => ({
          key: label,
          label,
          children: <span className={styles.long}>{value ?? "—"}</span>,
        }))}
      />
    </div>
  );
}
