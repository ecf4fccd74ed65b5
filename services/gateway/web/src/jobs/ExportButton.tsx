import { DownloadOutlined } from "@ant-design/icons";
import { Button, Dropdown } from "antd";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText } from "@/i18n";
import type { Format, ListFilter, ListName } from "./api";
import { jobsText } from "./messages";
import { useExport } from "./useExport";

interface Props {
  list: ListName;
  /** None: it is not known yet what is to be exported; the button has its place. */
  filter: ListFilter | undefined;
  /** Only the icon: on the head of a card. */
  small?: boolean;
  /** What is exported, for who does not see where the button stands. */
  label?: string;
}

/**
 * `导出 ▾`: the list as it is filtered, as a file made in the background; the page's own one by `d`, too. Nothing for who
 * may not.
 */
export function ExportButton({ list, filter, small, label }: Props) {
  const t = useText(jobsText);
  const words = useText(common);
  const { may, isStarting, start } = useExport();
  const isMine = may(list);
  const isOfPage = isMine && !small;
  useShortcuts(
    isOfPage
      ? [
          {
            keys: "d",
            label: words.action.export,
            group: words.shortcuts.list,
            run: () => (filter ? start(list, filter, "xlsx") : false),
          },
        ]
      : [],
  );
  if (!isMine) {
    return null;
  }
  return (
    <Dropdown
      trigger={["click"]}
      menu={{
        items: [
          { key: "xlsx", label: t.xlsx },
          { key: "csv", label: t.csv },
        ],
        onClick: ({ key }) => filter && start(list, filter, key as Format),
      }}
      disabled={!filter}
    >
      <Button
        size={small ? "small" : undefined}
        type={small ? "text" : undefined}
        icon={<DownloadOutlined aria-hidden />}
        loading={isStarting}
        aria-label={label ? `${words.action.export} · ${label}` : undefined}
      >
        {small ? undefined : words.action.export}
      </Button>
    </Dropdown>
  );
}
