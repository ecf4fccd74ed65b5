import { CopyOutlined } from "@ant-design/icons";
import { Alert, Button, Input } from "antd";
import { useState } from "react";
import { exact } from "@/format";
import { useText } from "@/i18n";
import styles from "./admin.module.css";
import { adminText } from "./messages";

interface Props {
  title: string;
  value: string;
  until: string;
}

/** A secret that is shown this once. */
export function Once({ title, value, until }: Props) {
  const t = useText(adminText);
  const [isCopied, setCopied] = useState(false);
  return (
    <Alert
      type="success"
      showIcon
      title={title}
      description={
        <>
          <div className={styles.once}>
            <Input readOnly value={value} aria-label={title} onFocus={event => event.target.select()} />
            <Button
              icon={<CopyOutlined />}
              onClick={() => void navigator.clipboard?.writeText(value).then(() => setCopied(true))}
            >
              {isCopied ? t.copied : t.copy}
            </Button>
          </div>
          {t.shownOnce} {t.until(exact(until))}
        </>
      }
    />
  );
}
