import { FilterOutlined } from "@ant-design/icons";
import { Alert, Badge, Button, Drawer, Select } from "antd";
import { type ReactNode, useState } from "react";
import { useBreadth } from "@/habits/element";
import type { Fields, Filter, Filters } from "@/habits/filters";
import { common, useText } from "@/i18n";
import styles from "./filterbar.module.css";
import { TextFilter } from "./TextFilter";

/** How a field of the filter is shown; the options are wire values with their words. */
export interface FilterControl {
  name: string;
  label: string;
  options: readonly { value: string; label: string }[];
  /** Width in px of the control beside others. */
  width?: number;
}

interface Props<F extends Fields> {
  fields: F;
  filters: Filters<F>;
  controls: readonly FilterControl[];
  /** Placeholder of the free text; absent: there is none. */
  text?: string;
  /** What stands beside: total, export, columns. */
  children?: ReactNode;
}

/** A list's filter, always in sight, every value of it in the address; on a phone it is a drawer behind `筛选 3`. */
export function FilterBar<F extends Fields>({ fields, filters, controls, text, children }: Props<F>) {
  const t = useText(common);
  const isPhone = useBreadth() === "phone";
  const [isOpen, setOpen] = useState(false);
  const set = (name: string, value: string | string[]): void => filters.set({ [name]: value } as Partial<Filter<F>>);
  const selects = controls.map(({ name, label, options, width = 132 }) => {
    const isMany = fields[name]?.kind === "many";
    const value = filters.filter[name as keyof F] as string | string[];
    return (
      <Select
        key={name}
        aria-label={label}
        className={styles.control}
        style={isPhone ? undefined : { minWidth: width }}
        mode={isMany ? "multiple" : undefined}
        allowClear={isMany}
        maxTagCount={isPhone ? undefined : "responsive"}
        // Where no tag finds room, the words of all stand in one, cut off at its end.
        maxTagPlaceholder={left => <span className={styles.rest}>{left.map(each => each.label).join(t.comma)}</span>}
        optionFilterProp="label"
        placeholder={label}
        prefix={Array.isArray(value) && value.length === 0 ? undefined : <span className="kam-secondary">{label}</span>}
        value={value}
        options={[...options]}
        popupMatchSelectWidth={false}
        onChange={(next: string | string[]) => set(name, next ?? [])}
      />
    );
  });
  return (
    <div className={styles.frame}>
      <search className={styles.bar} aria-label={t.filter.label}>
        {isPhone ? (
          <Badge count={filters.changed} size="small">
            <Button icon={<FilterOutlined />} onClick={() => setOpen(true)}>
              {t.filter.label}
            </Button>
          </Badge>
        ) : (
          selects
        )}
        {text !== undefined && (
          <div className={styles.text}>
            <TextFilter text={filters.text} onText={filters.setText} placeholder={text} />
          </div>
        )}
        {(filters.changed > 0 || filters.text) && (
          <Button type="text" onClick={filters.clear}>
            {t.action.clear}
          </Button>
        )}
        <div className={styles.beside}>{children}</div>
      </search>
      {filters.unknown.length > 0 && (
        <Alert type="warning" showIcon closable title={t.problem.unknownFilters(filters.unknown.join(", "))} />
      )}
      {isPhone && (
        <Drawer title={t.filter.label} placement="bottom" open={isOpen} onClose={() => setOpen(false)} size="large">
          <div className={styles.column}>{selects}</div>
        </Drawer>
      )}
    </div>
  );
}
