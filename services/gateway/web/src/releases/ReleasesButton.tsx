import { PauseCircleOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Badge, Button } from "antd";
import { useNavigate } from "react-router";
import { useText } from "@/i18n";
import { useMaySoon } from "@/session/rights";
import { releases } from "./api";
import { releasesText } from "./messages";

const EVERY_MS = 60_000;

/** In the top bar of whoever may decide: that something waits for them. Nothing where nothing does, or nobody can say. */
export function ReleasesButton() {
  return useMaySoon("rules", "change", []) ? <Waiting /> : null;
}

function Waiting() {
  const t = useText(releasesText);
  const navigate = useNavigate();
  const { data } = useQuery({ ...releases, refetchInterval: EVERY_MS, staleTime: EVERY_MS });
  const waiting = data?.all.filter(each => each.state === "waiting").length ?? 0;
  if (waiting === 0) {
    return null;
  }
  const label = t.notice(waiting);
  return (
    <Badge count={waiting} size="small" offset={[-6, 6]}>
      <Button
        type="text"
        icon={<PauseCircleOutlined aria-hidden />}
        aria-label={label}
        title={label}
        onClick={() => void navigate("/documents/releases")}
      />
    </Badge>
  );
}
