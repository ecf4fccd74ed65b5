import { useQuery } from "@tanstack/react-query";
import { Button, Divider } from "antd";
import { common, useText } from "@/i18n";
import { type SingleSignOn as State, singleSignOn, singleSignOnAddress } from "./api";
import { signInText } from "./messages";
import styles from "./signin.module.css";

interface Props {
  /** The page to go to afterwards. */
  next: string;
  /** How the last try ended, and its number, as the gateway says in the address. */
  outcome?: string | null;
  reference?: string | null;
}

/** The other way to sign in: at the operator's identity provider, where one is set up. */
export function SingleSignOn({ next, outcome, reference }: Props) {
  const t = useText(signInText);
  const shared = useText(common);
  const { data: state = "off" } = useQuery({ queryKey: ["single-sign-on"], queryFn: singleSignOn, staleTime: 10_000 });
  if (state === "off") {
    return null;
  }
  const ended = outcomeOf(outcome, state);
  return (
    <section className={styles.sso}>
      <Divider plain>{t.or}</Divider>
      <Button block size="large" href={singleSignOnAddress(next)}>
        {t.singleSignOn}
      </Button>
      <div role="alert" className={styles.note}>
        {ended && (
          <span className={ended === "cancelled" ? "kam-secondary" : styles.error}>
            {t.sso[ended]}{" "}
            {isReference(reference) && <span className="kam-small">{shared.problem.reference(reference)}</span>}
          </span>
        )}
      </div>
    </section>
  );
}

type Outcome = keyof (typeof signInText)["zh"]["sso"];
const OUTCOMES: readonly string[] = ["away", "again", "refused", "cancelled", "trouble"] satisfies Outcome[];

function outcomeOf(said: string | null | undefined, state: State): Outcome | null {
  if (said && OUTCOMES.includes(said)) {
    return said as Outcome;
  }
  return state === "away" ? "away" : null;
}

/** A number of ours, and not what somebody wrote into a link. */
function isReference(text: string | null | undefined): text is string {
  return /^[0-9a-f-]{8,64}$/.test(text ?? "");
}
