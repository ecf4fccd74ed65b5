import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Button, Popover, Select } from "antd";
import { answer, api } from "@/api/client";
import { arrivalsText } from "@/arrivals/messages";
import { EmptyState } from "@/components/EmptyState";
import { FilterBar } from "@/components/FilterBar";
import { AsOf } from "@/components/Freshness";
import { Page } from "@/components/Page";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { useNow } from "@/habits/clock";
import { useFilters } from "@/habits/filters";
import { useLanguage, useText, word } from "@/i18n";
import { ExportButton } from "@/jobs/ExportButton";
import { cityName } from "@/places/cityName";
import { RowsDrawer } from "@/rows/RowsDrawer";
import { useRows } from "@/rows/useRows";
import { Arrears, ByCity, ByTime, Churn, Complaints, Recovered, Sms } from "./Cards";
import { Changes } from "./Changes";
import { FIELDS, periodName, periods, previous, type Overview as View } from "./fields";
import { overviewText } from "./messages";
import styles from "./overview.module.css";
import { Tiles } from "./Tiles";

/** How often the figures are read anew, in ms. */
const EVERY_MS = 60_000;

/** What a period came to; every number opens exactly the rows that it counts. */
export default function Overview() {
  const t = useText(overviewText);
  const language = useLanguage();
  const filters = useFilters(FIELDS);
  const { period, compare, city, unit } = filters.filter;
  const rows = useRows();
  const now = useNow(60_000);
  const query = useQuery({
    queryKey: ["overview", period, compare, city, unit],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/v1/overview", {
          params: {
            query: {
              period: period || undefined,
              compare: compare as "mom",
              city: city.join(",") || undefined,
              unit: unit.join(",") || undefined,
            },
          },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: EVERY_MS,
  });
  const view = query.data;
  const known = periods(now, period || view?.period || "");
  const named = (names: readonly string[]) => names.map(value => ({ value, label: periodName(value, language) }));

  return (
    <Page
      title={t.title}
      extra={
        view && (
          <>
            <AsOf at={view.as_of} secondsBehind={view.seconds_behind ?? 0} />
            <Missing view={view} />
          </>
        )
      }
    >
      <FilterBar
        fields={FIELDS}
        filters={filters}
        controls={[
          {
            name: "compare",
            label: t.compare,
            options: (["mom", "yoy", "none"] as const).map(value => ({ value, label: t[value] })),
          },
          {
            name: "city",
            label: t.city,
            options: [...new Set([...city, ...(view?.cities ?? [])])].map(value => ({ value, label: cityName(value) })),
          },
          {
            name: "unit",
            label: t.unit,
            width: 160,
            options: (view?.units ?? []).map(({ unit_id, name }) => ({ value: unit_id, label: name ?? unit_id })),
          },
        ]}
      >
        <Select
          aria-label={t.period}
          className={styles.period}
          value={period || view?.period || known.months[0]}
          popupMatchSelectWidth={false}
          onChange={value => filters.set({ period: value === known.months[0] ? "" : value })}
          options={[
            { label: t.months, title: t.months, options: named(known.months) },
            { label: t.days, title: t.days, options: named(known.days) },
          ]}
        />
        <ExportButton list="alerts" filter={view?.alerts.filter} />
      </FilterBar>
      <QueryBlock
        query={query}
        what={t.block}
        skeleton={
          <>
            <Skeletons n={5} like={{ grid: styles.tiles, box: styles.box }} />
            <div className={styles.grid}>
              {[0, 1, 2, 3].map(at => (
                <Skeletons key={at} n={1} height={330} />
              ))}
            </div>
          </>
        }
        empty={found =>
          isEmpty(found) ? (
            <EmptyState text={t.empty}>
              <Button type="link" onClick={() => filters.set({ period: previous(found.period) })}>
                {t.previous}
              </Button>
            </EmptyState>
          ) : null
        }
      >
        {found => (
          <>
            <Tiles view={found} compare={compare} onOpen={rows.open} />
            <div className={`${styles.grid} ${found.missing?.length ? styles.partial : ""}`}>
              <ByTime view={found} onOpen={rows.open} />
              <ByCity view={found} onOpen={rows.open} />
              <Arrears view={found} onOpen={rows.open} />
              <Recovered view={found} onOpen={rows.open} />
              <Churn view={found} onOpen={rows.open} />
              <Sms view={found} onOpen={rows.open} />
              <Complaints view={found} onOpen={rows.open} />
              <Changes view={found} />
            </div>
          </>
        )}
      </QueryBlock>
      <RowsDrawer rows={rows} />
    </Page>
  );
}

function isEmpty(view: View): boolean {
  return (
    view.alerts.count === 0 &&
    view.sms.length === 0 &&
    view.recovered.count === 0 &&
    view.arrears.every(({ count }) => count === 0)
  );
}

/** Which files have not come, so that nobody takes a part for the whole. */
function Missing({ view }: { view: View }) {
  const t = useText(overviewText);
  const arrivals = useText(arrivalsText);
  if (view.missing === null) {
    return <span className="kam-secondary kam-small">{arrivals.away}</span>;
  }
  const cities = new Set(view.missing.map(({ city }) => city)).size;
  if (cities === 0) {
    return null;
  }
  return (
    <span className={styles.missing}>
      {t.missing(cities)}
      <Popover
        trigger="click"
        content={
          <ul className={styles.files}>
            {view.missing.map(({ kind, city, business_date, expected }) => (
              <li key={`${kind} ${city}`}>
                {t.file(word(arrivals.kind, kind), cityName(city), business_date, expected)}
              </li>
            ))}
          </ul>
        }
      >
        <Button type="link" size="small">
          {t.which}
        </Button>
      </Popover>
    </span>
  );
}
