import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Input, Switch } from "antd";
import { useText } from "@/i18n";
import styles from "./documents.module.css";
import { FaultsAt, Field, useEdit, usePlace } from "./edit";
import { Num, Several } from "./inline";
import { documentsText } from "./messages";
import { joined, withAt, withEntry } from "./paths";

/** What a version says of itself, not what it holds. */
const ABOUT = ["id", "type"];
const LONG = 60;

/** Fields by the shape of the document: those of every kind that has no form of its own. */
export default function ShapeForm() {
  const { document, isNew } = useEdit();
  return (
    <div className={styles.fields}>
      {isNew && <TextField path="id" />}
      {Object.keys(document)
        .filter(name => !ABOUT.includes(name))
        .map(name => (
          <Part key={name} path={name} />
        ))}
    </div>
  );
}

function Part({ path }: { path: string }) {
  const { value } = usePlace(path);
  if (Array.isArray(value)) {
    return value.some(each => typeof each === "object" && each !== null) ? (
      <Rows path={path} />
    ) : (
      <Several path={path} />
    );
  }
  if (typeof value === "object" && value !== null) {
    return <Group path={path} />;
  }
  switch (typeof value) {
    case "number":
      return <Num path={path} />;
    case "boolean":
      return <YesField path={path} />;
    default:
      return <TextField path={path} />;
  }
}

function Group({ path }: { path: string }) {
  const t = useText(documentsText);
  const { value = {}, label } = usePlace<Record<string, unknown>>(path);
  return (
    <fieldset className={styles.group} data-field={path}>
      <legend>{label}</legend>
      <FaultsAt path={path} />
      <div className={styles.fields}>
        {Object.keys(value).map(name => (
          <Part key={name} path={joined(path, name)} />
        ))}
        {Object.keys(value).length === 0 && <span className="kam-secondary">{t.addAsText}</span>}
      </div>
    </fieldset>
  );
}

/** A list of parts: each can go, and one more is like the last. */
function Rows({ path }: { path: string }) {
  const t = useText(documentsText);
  const { document, set } = useEdit();
  const { value = [], label } = usePlace<unknown[]>(path);
  return (
    <fieldset className={styles.group} data-field={path}>
      <legend>{label}</legend>
      <FaultsAt path={path} />
      {value.map((each, n) => {
        const place = joined(path, n);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: entries of a document have no name but their place
          <div key={n} className={styles.row} data-field={place}>
            {typeof each === "object" && each !== null ? (
              Object.keys(each).map(name => <Part key={name} path={joined(place, name)} />)
            ) : (
              <Part path={place} />
            )}
            <Button
              type="text"
              icon={<DeleteOutlined />}
              aria-label={`${t.remove} ${label} ${t.item(n + 1)}`}
              onClick={() => set(withAt(document, place, undefined))}
            />
            <FaultsAt path={place} />
          </div>
        );
      })}
      <Button size="small" icon={<PlusOutlined />} onClick={() => set(withEntry(document, path, value.at(-1) ?? ""))}>
        {t.add}
      </Button>
    </fieldset>
  );
}

function YesField({ path }: { path: string }) {
  const t = useText(documentsText);
  const { value, set } = usePlace<boolean>(path);
  return (
    <Field path={path}>
      {({ id }) => (
        <span>
          <Switch id={id} checked={value} checkedChildren={t.yes} unCheckedChildren={t.no} onChange={set} />
        </span>
      )}
    </Field>
  );
}

function TextField({ path }: { path: string }) {
  const { value, set } = usePlace<string | null>(path);
  const text = value ?? "";
  return (
    <Field path={path}>
      {control =>
        text.length > LONG ? (
          <Input.TextArea {...control} rows={3} value={text} onChange={event => set(event.target.value)} />
        ) : (
          <Input {...control} value={text} onChange={event => set(event.target.value)} />
        )
      }
    </Field>
  );
}
