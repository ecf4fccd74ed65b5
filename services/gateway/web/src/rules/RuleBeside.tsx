import { TRIED_TYPES } from "@/documents/kinds";
import type { Version } from "@/documents/model";
import { useText } from "@/i18n";
import { useMayEverywhere } from "@/session/rights";
import { trialText } from "@/trials/messages";
import { TrialPart } from "@/trials/TrialPart";
import { AskWhyNot } from "@/whynot/Ask";
import { RuleFigures } from "./RuleFigures";

/** What a rule has besides its versions: trials, and why it did not warn of somebody. */
export default function RuleBeside({ version }: { version: Version }) {
  const t = useText(trialText);
  const mayChange = useMayEverywhere("rules", "change");
  return (
    <>
      <RuleFigures version={version} />
      {mayChange &&
        (TRIED_TYPES.includes(version.type) ? (
          <TrialPart key={`${version.id} ${version.version}`} version={version} />
        ) : (
          version.state === "draft" && <p className="kam-secondary">{t.cannot}</p>
        ))}
      <AskWhyNot rule={version.id} />
    </>
  );
}
