import { Button, Checkbox, Popover } from "antd";
import { useText } from "@/i18n";
import styles from "./lists.module.css";
import { listText } from "./messages";

interface Props {
  columns: readonly { key: string; label: string; fixed?: boolean }[];
  shown: readonly string[];
  onShow: (keys: string[] | null) => void;
}

/** Which columns are shown; those that tell what a row is can't be left out. */
export function ColumnChooser({ columns, shown, onShow }: Props) {
  const t = useText(listText);
  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      content={
        <div className={styles.columns}>
          {columns.map(({ key, label, fixed }) => (
            <Checkbox
              key={key}
              checked={fixed || shown.includes(key)}
              disabled={fixed}
              onChange={event =>
                onShow(
                  columns
                    .filter(each => each.fixed || (each.key === key ? event.target.checked : shown.includes(each.key)))
                    .map(each => each.key),
                )
              }
            >
              {label}
            </Checkbox>
          ))}
          <Button size="small" type="link" onClick={() => onShow(null)}>
            {t.asDelivered}
          </Button>
        </div>
      }
    >
      <Button>{t.columns}</Button>
    </Popover>
  );
}
