import { DownloadOutlined } from "@ant-design/icons";
import { Badge, Button, Popover } from "antd";
import { useState } from "react";
import { later } from "@/components/later";
import { useText } from "@/i18n";
import { useMe } from "@/session/session";
import { isUnfinished, mayExport } from "./api";
import { jobsText } from "./messages";
import { useJobs, useTellEnded } from "./useJobs";

const JobList = later(async () => (await import("./JobList")).default);

/** In the top bar: one's jobs, how many are under way, and a word when one has ended. */
export function JobsButton() {
  const { role } = useMe();
  return (["alerts", "work", "customers"] as const).some(list => mayExport(role, list)) ? <Own /> : null;
}

function Own() {
  const t = useText(jobsText);
  const [isOpen, setOpen] = useState(false);
  const { data: jobs } = useJobs();
  useTellEnded(jobs);
  const running = jobs?.filter(isUnfinished).length ?? 0;
  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      open={isOpen}
      onOpenChange={setOpen}
      content={<JobList what={t.title} onFollow={() => setOpen(false)} />}
    >
      <Badge count={running} size="small" offset={[-6, 6]}>
        <Button type="text" icon={<DownloadOutlined aria-hidden />} aria-label={t.title} title={t.title} />
      </Badge>
    </Popover>
  );
}
