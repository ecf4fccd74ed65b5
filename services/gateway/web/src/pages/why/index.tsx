import { useQuery } from "@tanstack/react-query";
import { Button, Input, Segmented } from "antd";
import { useMemo, useState } from "react";
import { Link, useLocation, useNavigate, useParams } from "react-router";
import { answer, api } from "@/api/client";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { WithPanel } from "@/components/WithPanel";
import { exact, span } from "@/format";
import { useBreadth } from "@/habits/element";
import { useShortcuts } from "@/habits/shortcuts";
import { useUndo } from "@/habits/undo";
import { common, useLanguage, useText } from "@/i18n";
import { ChainPicture } from "@/why/ChainPicture";
import styles from "@/why/chain.module.css";
import { Fact } from "@/why/Fact";
import { type ChainLink, layout, pageOf, wholeTime } from "@/why/layout";
import { whyText } from "@/why/messages";

/** The chain of facts behind an id, from the BOSS record to the outcome: `/why/<any id>?node=&as=list`. */
export default function Why() {
  const t = useText(whyText);
  const shared = useText(common);
  const language = useLanguage();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { "*": id = "" } = useParams();
  const { tell } = useUndo();
  const isPhone = useBreadth() === "phone";
  const asked = new URLSearchParams(search);
  const asList = isPhone || asked.get("as") === "list";
  const node = asked.get("node") ?? undefined;
  const query = useQuery({
    queryKey: ["why", id],
    queryFn: ({ signal }) => answer(api.GET("/v1/why/{id}", { params: { path: { id } }, signal })),
    enabled: id !== "",
    // What is in progress goes on.
    refetchInterval: 15_000,
  });
  const chain = query.data?.chain;
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const placed = useMemo(
    () => layout(chain ?? [], (group, members) => opened.has(group) || members.some(member => member.id === node)),
    [chain, opened, node],
  );
  const holding = placed.find(each => each.members?.some(({ id: member }) => member === node))?.link.id;
  const isOpen = (group: string): boolean => opened.has(group) || group === holding;
  const open = chain?.find(link => link.id === node);
  const time = wholeTime(chain ?? []);

  const set = (name: string, value: string | undefined): void => {
    const next = new URLSearchParams(search);
    if (value) {
      next.set(name, value);
    } else {
      next.delete(name);
    }
    void navigate({ search: next.toString() }, { replace: true });
  };
  const copy = (text: string): void => {
    void navigator.clipboard?.writeText(text).then(() => tell({ text: t.copied }));
  };
  const asText = (): string =>
    (chain ?? []).map(link => `${link.at && exact(link.at)} ${said(link)}`.trim()).join("\n");
  const turn = (group: string): void => {
    const rest = [...opened].filter(each => each !== group);
    setOpened(new Set(isOpen(group) ? rest : [...rest, group]));
    if (group === holding) {
      set("node", undefined);
    }
  };
  const said = (link: ChainLink): string => (language === "zh" ? link.summary_zh : link.summary_en);
  const page = chain?.map(pageOf).find(Boolean);
  const group = shared.shortcuts.item;
  useShortcuts([
    { keys: "y", label: shared.action.copyLink, group, run: () => copy(location.href) },
    { keys: "c", label: t.copyText, group, run: () => (placed.length > 0 ? copy(asText()) : false) },
  ]);

  if (id === "") {
    return (
      <Page title={t.title}>
        <Asking />
      </Page>
    );
  }
  return (
    <Page
      title={t.title}
      fill
      wraps
      extra={
        <>
          <code className={styles.id}>{id}</code>
          {/* On a phone the buttons have one row, whatever comes later; each fact says its own time. */}
          {!isPhone && (time !== undefined || query.isPending) && (
            <span className="kam-secondary">{t.whole(time === undefined ? "…" : span(time, language))}</span>
          )}
          {!isPhone && (
            <Segmented
              value={asList ? "list" : "picture"}
              options={[
                { value: "picture", label: t.picture },
                { value: "list", label: t.list },
              ]}
              onChange={value => set("as", value === "list" ? "list" : undefined)}
            />
          )}
          <Button size="small" onClick={() => copy(location.href)}>
            {shared.action.copyLink}
          </Button>
          <Button size="small" onClick={() => copy(asText())} disabled={placed.length === 0}>
            {t.copyText}
          </Button>
          {page && <Link to={page}>{t.open}</Link>}
        </>
      }
    >
      <WithPanel
        title={open ? said(open) : ""}
        panel={open && <Fact key={open.id} link={open} />}
        onClose={() => set("node", undefined)}
      >
        <QueryBlock
          query={query}
          what={t.what}
          skeleton={<Skeletons n={5} height={92} />}
          empty={data => (data.chain.length === 0 ? <Asking hint={t.none} /> : undefined)}
        >
          {() => (
            <ChainPicture
              placed={placed}
              current={node}
              asList={asList}
              isOpen={isOpen}
              onOpen={turn}
              onCurrent={next => set("node", next)}
            />
          )}
        </QueryBlock>
      </WithPanel>
    </Page>
  );
}

function Asking({ hint }: { hint?: string }) {
  const t = useText(whyText);
  const navigate = useNavigate();
  return (
    <EmptyState text={hint ?? t.askHint}>
      <Input.Search
        className={styles.ask}
        aria-label={t.ask}
        placeholder={t.askHint}
        enterButton={t.show}
        maxLength={200}
        onSearch={value => value.trim() && void navigate(`/why/${encodeURIComponent(value.trim())}`)}
      />
    </EmptyState>
  );
}
