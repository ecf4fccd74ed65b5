import { Button, Input } from "antd";
import { type FormEvent, useId, useState } from "react";
import { asProblem, type Problem } from "@/api/client";
import { useText } from "@/i18n";
import { changePassword } from "./api";
import { signInText } from "./messages";
import { Refusal } from "./SignInForm";
import styles from "./signin.module.css";

/** The server asks for this many too; here it is only said sooner. */
const LEAST = 10;

interface Props {
  staffNo: string;
  onChanged: () => void;
}

export function ChangePassword({ staffNo, onChanged }: Props) {
  const t = useText(signInText);
  const id = useId();
  const [fields, setFields] = useState({ current: "", next: "", repeat: "" });
  const [isAsking, setAsking] = useState(false);
  const [refusal, setRefusal] = useState<Problem | null>(null);
  const mistake =
    fields.next.length > 0 && fields.next.length < LEAST
      ? t.tooShort(LEAST)
      : fields.repeat.length > 0 && fields.repeat !== fields.next
        ? t.differs
        : "";

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (mistake || isAsking) {
      return;
    }
    setAsking(true);
    setRefusal(null);
    try {
      await changePassword(fields.current, fields.next);
      onChanged();
    } catch (error) {
      setRefusal(asProblem(error));
    } finally {
      setAsking(false);
    }
  };
  return (
    <form className={styles.form} onSubmit={event => void submit(event)}>
      <input type="text" name="username" autoComplete="username" value={staffNo} readOnly hidden />
      {(["current", "next", "repeat"] as const).map(name => (
        <div key={name}>
          <label htmlFor={`${id}-${name}`}>{t[name]}</label>
          <Input.Password
            id={`${id}-${name}`}
            autoComplete={name === "current" ? "current-password" : "new-password"}
            required
            maxLength={256}
            size="large"
            value={fields[name]}
            aria-describedby={`${id}-note`}
            onChange={event => setFields({ ...fields, [name]: event.target.value })}
          />
        </div>
      ))}
      <div id={`${id}-note`} className={styles.note} role="alert">
        {mistake ? <span className={styles.error}>{mistake}</span> : refusal && <Refusal problem={refusal} />}
      </div>
      <Button type="primary" htmlType="submit" size="large" block loading={isAsking} disabled={mistake !== ""}>
        {t.change}
      </Button>
    </form>
  );
}
