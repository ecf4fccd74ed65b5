import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { Navigate, useNavigate, useSearchParams } from "react-router";
import { setPreferences, usePreferences } from "@/habits/preferences";
import { common, useText, word } from "@/i18n";
import { demoAccounts, type Me } from "@/session/api";
import { ChangePassword } from "@/session/ChangePassword";
import { signInText } from "@/session/messages";
import { safeNext } from "@/session/next";
import { SignInForm } from "@/session/SignInForm";
import { SingleSignOn } from "@/session/SingleSignOn";
import { useSession } from "@/session/session";
import styles from "@/session/signin.module.css";

export default function SignIn() {
  const t = useText(signInText);
  const shared = useText(common);
  const { language } = usePreferences();
  const [query] = useSearchParams();
  const navigate = useNavigate();
  const { me, signedIn } = useSession();
  const next = safeNext(query.get("next"));
  const mustChange = me?.must_change_password === true;
  const isChanging = me !== null && (mustChange || query.has("change"));

  useEffect(() => {
    document.title = `${isChanging ? t.change : t.title} · ${shared.product}`;
  }, [isChanging, t, shared]);

  if (me && !isChanging) {
    return <Navigate replace to={next} />;
  }
  return (
    <main className={styles.page}>
      <section className={styles.card}>
        <header className={styles.head}>
          <h1>{shared.product}</h1>
          <Button
            type="text"
            lang={language === "zh" ? "en" : "zh-CN"}
            onClick={() => setPreferences({ language: language === "zh" ? "en" : "zh" })}
          >
            {shared.top.language}
          </Button>
        </header>
        {me ? (
          <>
            {mustChange && <p>{t.mustChange}</p>}
            <ChangePassword
              staffNo={me.staff_no}
              onChanged={() => {
                signedIn({ ...me, must_change_password: false });
                void navigate(next, { replace: true });
              }}
            />
          </>
        ) : (
          <WithPassword onSignedIn={signedIn}>
            <SingleSignOn next={next} outcome={query.get("sso")} reference={query.get("ref")} />
          </WithPassword>
        )}
      </section>
    </main>
  );
}

function WithPassword({ onSignedIn, children }: { onSignedIn: (me: Me) => void; children: ReactNode }) {
  const t = useText(signInText);
  const shared = useText(common);
  const [staffNo, setStaffNo] = useState("");
  const [password, setPassword] = useState("");
  const { data: accounts = [] } = useQuery({
    queryKey: ["demo-accounts"],
    queryFn: demoAccounts,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <>
      <SignInForm
        staffNo={staffNo}
        onStaffNo={setStaffNo}
        password={password}
        onPassword={setPassword}
        onSignedIn={onSignedIn}
      />
      {children}
      {accounts.length > 0 && (
        <section className={styles.demo} aria-labelledby="demo">
          <h2 id="demo">{t.demo}</h2>
          <p className="kam-secondary kam-small">{t.demoHint}</p>
          <div className={styles.accounts}>
            {accounts.map(account => (
              <Button
                key={account.staff_no}
                size="small"
                title={[account.staff_no, account.name].filter(Boolean).join(" ")}
                onClick={() => {
                  setStaffNo(account.staff_no);
                  setPassword(account.password);
                }}
              >
                {word(shared.role, account.role)}
                {/* Two of a role are told apart by who they are. */}
                {accounts.filter(other => other.role === account.role).length > 1 &&
                  ` ${account.name ?? account.staff_no}`}
              </Button>
            ))}
          </div>
        </section>
      )}
    </>
  );
}
