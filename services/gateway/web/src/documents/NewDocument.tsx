import { PlusOutlined } from "@ant-design/icons";
import { Button, Dropdown } from "antd";
import { useNavigate } from "react-router";
import { useLanguage, useText } from "@/i18n";
import type { KindRow } from "./kinds";
import { documentsText } from "./messages";
import type { Versions } from "./model";

/** A new document: blank, or like one that there is. */
export function NewDocument({ row, documents }: { row: KindRow; documents: readonly Versions[] }) {
  const t = useText(documentsText);
  const language = useLanguage();
  const navigate = useNavigate();
  const go = (like?: string): void =>
    void navigate(`${row.path}/-/edit${like ? `?like=${encodeURIComponent(like)}` : ""}`);
  const like = documents.map(({ id, versions: [first] }) => ({
    key: id,
    label: t.like(row.nameOf?.(first, language) ?? id),
  }));
  return (
    <Dropdown
      trigger={["click"]}
      menu={{
        items: [{ key: "-", label: t.blank }, ...like],
        onClick: ({ key }) => go(key === "-" ? undefined : key),
      }}
    >
      <Button type="primary" icon={<PlusOutlined />}>
        {t.create}
      </Button>
    </Dropdown>
  );
}
