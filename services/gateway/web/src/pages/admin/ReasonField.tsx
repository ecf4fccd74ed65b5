import { Form, Input } from "antd";
import { useText } from "@/i18n";
import { adminText } from "./messages";

/** Why, in words: nothing is changed here without. */
export function ReasonField() {
  const t = useText(adminText);
  return (
    <Form.Item name="reason" label={t.reason} rules={[{ required: true, whitespace: true }]}>
      <Input.TextArea maxLength={500} rows={2} placeholder={t.reasonHint} />
    </Form.Item>
  );
}
