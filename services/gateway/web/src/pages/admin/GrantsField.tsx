import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Form, Input, Select } from "antd";
import { common, useText } from "@/i18n";
import { ROLES } from "@/session/api";
import styles from "./admin.module.css";
import { REACHES, type Reach } from "./grants";
import { adminText } from "./messages";

const KINDS = ["churn_warning", "arrears", "complaint_opened", "contract_expiring", "attention"];

/** Role × reach × kinds of business, at least one; the form keeps them as `grants`. */
export function GrantsField() {
  const t = useText(adminText);
  return (
    <Form.List name="grants">
      {(fields, { add, remove }) => (
        <section className={styles.grants} aria-label={t.user.grants}>
          <h3>{t.user.grants}</h3>
          {fields.map(({ key, name }) => (
            <div key={key} className={styles.grant}>
              <GrantItems path={[name]} list="grants" />
              {fields.length > 1 && (
                <Button
                  type="text"
                  icon={<DeleteOutlined />}
                  aria-label={t.grant.remove}
                  onClick={() => remove(name)}
                />
              )}
            </div>
          ))}
          <Button icon={<PlusOutlined />} onClick={() => add({ role: "manager", reach: "own" })}>
            {t.grant.add}
          </Button>
        </section>
      )}
    </Form.List>
  );
}

/** The fields of one grant; `list` is the name of the list it is in, absent: it stands alone as `grant`. */
export function GrantItems({ path, list }: { path: (string | number)[]; list?: string }) {
  const t = useText(adminText);
  const shared = useText(common);
  const form = Form.useFormInstance();
  const reach = Form.useWatch([...(list ? [list] : []), ...path, "reach"], form) as Reach | undefined;
  return (
    <div className={styles.grantFields}>
      <Form.Item name={[...path, "role"]} label={t.grant.role} rules={[{ required: true }]}>
        <Select options={ROLES.map(value => ({ value, label: shared.role[value] }))} />
      </Form.Item>
      <Form.Item name={[...path, "reach"]} label={t.grant.reach} rules={[{ required: true }]}>
        <Select options={REACHES.map(value => ({ value, label: t.grant[value] }))} />
      </Form.Item>
      {reach === "own" && (
        <Form.Item name={[...path, "manager_id"]} label={t.grant.managerId} rules={[{ required: true }]}>
          <Input maxLength={64} />
        </Form.Item>
      )}
      {(reach === "cities" || reach === "units") && (
        <Form.Item name={[...path, "codes"]} label={t.grant[reach]} rules={[{ required: true }]}>
          <Select mode="tags" open={false} suffixIcon={null} placeholder={t.grant.codes} tokenSeparators={[",", " "]} />
        </Form.Item>
      )}
      <Form.Item name={[...path, "kinds"]} label={t.grant.kinds}>
        <Select
          mode="multiple"
          allowClear
          placeholder={t.grant.allKinds}
          options={KINDS.map(value => ({ value, label: shared.kind[value as keyof typeof shared.kind] }))}
        />
      </Form.Item>
    </div>
  );
}
