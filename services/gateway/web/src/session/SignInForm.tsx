import { Button, Input } from "antd";
import { type FormEvent, type KeyboardEvent, useId, useState } from "react";
import { asProblem, type Problem } from "@/api/client";
import { common, useLanguage, useText } from "@/i18n";
import { type Me, signIn } from "./api";
import { signInText } from "./messages";
import styles from "./signin.module.css";

interface Props {
  /** The staff number that is filled in; `fixed`: only this person may go on here. */
  staffNo: string;
  onStaffNo: (staffNo: string) => void;
  password: string;
  onPassword: (password: string) => void;
  fixed?: boolean;
  onSignedIn: (me: Me) => void;
}

/** Staff number, password, and why it did not work. */
export function SignInForm({ staffNo, onStaffNo, password, onPassword, fixed, onSignedIn }: Props) {
  const t = useText(signInText);
  const id = useId();
  const [isAsking, setAsking] = useState(false);
  const [refusal, setRefusal] = useState<Problem | null>(null);
  const [capsLock, setCapsLock] = useState(false);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (isAsking) {
      return;
    }
    setAsking(true);
    setRefusal(null);
    try {
      onSignedIn(await signIn(staffNo.trim(), password));
    } catch (error) {
      setRefusal(asProblem(error));
    } finally {
      setAsking(false);
    }
  };
  const watchCapsLock = (event: KeyboardEvent): void => setCapsLock(event.getModifierState("CapsLock"));

  return (
    <form className={styles.form} onSubmit={event => void submit(event)}>
      <label htmlFor={`${id}-staff`}>{t.staffNo}</label>
      <Input
        id={`${id}-staff`}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus={!fixed}
        readOnly={fixed}
        required
        maxLength={64}
        size="large"
        value={staffNo}
        onChange={event => onStaffNo(event.target.value)}
      />
      <label htmlFor={`${id}-password`}>{t.password}</label>
      <Input.Password
        id={`${id}-password`}
        name="password"
        autoComplete="current-password"
        autoFocus={fixed}
        required
        maxLength={256}
        size="large"
        value={password}
        aria-describedby={`${id}-note`}
        onKeyUp={watchCapsLock}
        onKeyDown={watchCapsLock}
        onChange={event => onPassword(event.target.value)}
      />
      <div id={`${id}-note`} className={styles.note}>
        {capsLock && <span className={styles.warning}>{t.capsLock}</span>}
        <div role="alert">{refusal && <Refusal problem={refusal} />}</div>
      </div>
      <Button type="primary" htmlType="submit" size="large" block loading={isAsking}>
        {t.signIn}
      </Button>
    </form>
  );
}

/** What is wrong, in words of this page: a wrong password, too many tries, or no answer, which is nobody's fault here. */
export function Refusal({ problem }: { problem: Problem }) {
  const t = useText(signInText);
  const shared = useText(common);
  const language = useLanguage();
  const minutes = Math.max(1, Math.ceil((problem.retryAfter ?? 60) / 60));
  const text =
    problem.status === 401
      ? t.wrong
      : problem.status === 429
        ? t.tooMany(minutes)
        : problem.status === 0 || problem.status >= 500
          ? t.noAnswer
          : problem.said(language);
  return (
    <span className={styles.error}>
      {text} {problem.reference && <span className="kam-small">{shared.problem.reference(problem.reference)}</span>}
    </span>
  );
}
