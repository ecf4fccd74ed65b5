import { Alert, Button } from "antd";
import type { Problem } from "@/api/client";
import { common, useLanguage, useText } from "@/i18n";
import { adminText } from "./messages";

interface Props {
  problem: Problem | null;
  onMine?: () => void;
  onTheirs?: () => void;
}

/** Why it was not saved; the text is still there. In a clash: whose words hold. */
export function Refusal({ problem, onMine, onTheirs }: Props) {
  const t = useText(adminText);
  const shared = useText(common);
  const language = useLanguage();
  if (!problem) {
    return null;
  }
  const isClash = problem.status === 412 && onMine !== undefined;
  const reference = problem.reference && shared.problem.reference(problem.reference);
  return (
    <Alert
      type={isClash ? "warning" : "error"}
      showIcon
      role="alert"
      title={isClash ? problem.said(language) : shared.problem.save}
      description={[isClash ? "" : problem.said(language), reference].filter(Boolean).join(" · ")}
      action={
        isClash && (
          <>
            <Button size="small" onClick={onMine}>
              {t.clashMine}
            </Button>
            <Button size="small" onClick={onTheirs}>
              {t.clashTheirs}
            </Button>
          </>
        )
      }
    />
  );
}
