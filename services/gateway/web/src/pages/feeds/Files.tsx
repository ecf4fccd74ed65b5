import { LeftOutlined, RightOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useLocation, useNavigate } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { AsOf } from "@/components/Freshness";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { WithPanel } from "@/components/WithPanel";
import { DateField } from "@/dates/DateField";
import { number } from "@/format";
import { useBreadth } from "@/habits/element";
import { useFilters } from "@/habits/filters";
import { useText } from "@/i18n";
import { CellList } from "./CellList";
import { FileGrid } from "./FileGrid";
import { FilePanel } from "./FilePanel";
import styles from "./feeds.module.css";
import { type Cell, type Day, dayAfter, dayOfFile, gridOf, problems, stemOf } from "./grid";
import { feedsText } from "./messages";
import { useDay } from "./queries";

const FIELDS = {
  date: { kind: "one" },
  city: { kind: "many" },
  kind: { kind: "many" },
  tab: { kind: "one", values: ["files"] },
} as const;

/** Files of a business day: city by kind, and the file that is open. */
export function Files({ id }: { id: string | undefined }) {
  const t = useText(feedsText);
  const navigate = useNavigate();
  const { search } = useLocation();
  const { filter, set } = useFilters(FIELDS);
  const asked = filter.date || (id && dayOfFile(id)) || undefined;
  const query = useDay(asked);
  const open = (file: string | undefined): void =>
    void navigate({ pathname: file ? `/feeds/files/${encodeURIComponent(stemOf(file))}` : "/feeds", search });
  const day = query.data?.date ?? asked;
  const go = (date: string): void => {
    if (id) {
      void navigate(`/feeds?date=${date}`);
    } else {
      set({ date });
    }
  };
  return (
    <WithPanel title={id} panel={id && <FilePanel key={id} name={id} />} onClose={() => open(undefined)}>
      <div className={styles.bar}>
        <Button
          icon={<LeftOutlined />}
          aria-label={t.before}
          disabled={!day}
          onClick={() => day && go(dayAfter(day, -1))}
        />
        <DateField label={t.day} value={day ?? ""} onChange={date => date && go(date)} />
        <Button
          icon={<RightOutlined />}
          aria-label={t.after}
          disabled={!day}
          onClick={() => day && go(dayAfter(day, 1))}
        />
        {filter.date && <Button onClick={() => set({ date: "" })}>{t.newest}</Button>}
        <AsOf at={query.data?.as_of} secondsBehind={query.isError ? (Date.now() - query.dataUpdatedAt) / 1000 : 0} />
      </div>
      <QueryBlock
        query={query}
        what={t.arrivals}
        skeleton={<Skeletons n={8} />}
        empty={found => !found.files.length && !found.missing.length && <None date={found.date} go={go} />}
      >
        {found => <Arrivals day={narrowed(found, filter.city, filter.kind)} current={id} open={open} />}
      </QueryBlock>
    </WithPanel>
  );
}

function narrowed(day: Day, cities: readonly string[], kinds: readonly string[]): Day {
  const has = ({ city, kind }: { city: string; kind: string }): boolean =>
    (!cities.length || cities.includes(city)) && (!kinds.length || kinds.includes(kind));
  return { ...day, files: day.files.filter(has), missing: day.missing.filter(has) };
}

function None({ date, go }: { date: string | null; go: (date: string) => void }) {
  const t = useText(feedsText);
  return date ? (
    <EmptyState text={t.noFiles}>
      <Button onClick={() => go(dayAfter(date, -1))}>{t.before}</Button>
    </EmptyState>
  ) : (
    <EmptyState text={t.noFilesEver} />
  );
}

interface ArrivalsProps {
  day: Day;
  current: string | undefined;
  open: (file: string | undefined) => void;
}

function Arrivals({ day, current, open }: ArrivalsProps) {
  const t = useText(feedsText);
  const breadth = useBreadth();
  const grid = gridOf(day);
  const bad = problems(grid);
  const worst = bad.find(cell => cell.file);
  const show = (cell: Cell): void => cell.file && open(cell.file.file);
  return (
    <>
      <div className={styles.bar}>
        <span className="kam-number">
          {t.came(number(grid.expected), number(grid.came), number(grid.rejected), number(grid.missing))}
        </span>
        {worst && (
          <Button type="primary" onClick={() => show(worst)}>
            {t.worst}
          </Button>
        )}
      </div>
      {breadth === "phone" ? (
        bad.length ? (
          <CellList cells={bad} open={show} />
        ) : (
          <EmptyState text={t.allLoaded(number(grid.came))} />
        )
      ) : (
        <FileGrid grid={grid} current={current} open={show} />
      )}
    </>
  );
}
