import { DownloadOutlined } from "@ant-design/icons";
import { Button, Progress } from "antd";
import { Link } from "react-router";
import { common, useLanguage, useText, word } from "@/i18n";
import { fileOf, isUnfinished, type Job } from "./api";
import styles from "./jobs.module.css";
import { jobsText } from "./messages";

/** A job in a line: what, how far, and the file once it is there. */
export function JobRow({ job, onFollow }: { job: Job; onFollow?: () => void }) {
  const t = useText(jobsText);
  const words = useText(common);
  const language = useLanguage();
  const name = t.name(word(t.list, job.list), job.format.toUpperCase());
  return (
    <div className={styles.row}>
      <div className={styles.what}>
        <Link to={`/jobs/${job.id}`} onClick={onFollow}>
          {name}
        </Link>
        <div className="kam-secondary kam-small">
          {job.state === "failed"
            ? (job.failure?.[language] ?? word(t.state, job.state))
            : job.state === "done"
              ? t.rows(job.done)
              : `${word(t.state, job.state)} · ${t.progress(job.done, job.total)}`}
        </div>
        {isUnfinished(job) && <JobProgress job={job} label={name} />}
      </div>
      {job.state === "done" && (
        <Button
          size="small"
          icon={<DownloadOutlined aria-hidden />}
          href={fileOf(job)}
          download
          aria-label={`${words.action.download} · ${name}`}
        >
          {words.action.download}
        </Button>
      )}
    </div>
  );
}

/** How far it is, in whole percent. */
export function JobProgress({ job, label }: { job: Job; label: string }) {
  return (
    <Progress size="small" percent={percentOf(job)} status="active" aria-label={label} strokeColor="var(--kam-link)" />
  );
}

/** Never 100 before it is done: the file is put together at the end. */
export function percentOf(job: Pick<Job, "state" | "done" | "total">): number {
  if (job.state === "done") {
    return 100;
  }
  return job.total > 0 ? Math.min(99, Math.floor((100 * job.done) / job.total)) : 0;
}
