import { Link } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { useText } from "@/i18n";
import { JobRow } from "./JobRow";
import styles from "./jobs.module.css";
import { jobsText } from "./messages";
import { useJobs } from "./useJobs";

const FIRST = 5;

/** The latest jobs, for the top bar; loaded when it is opened. */
export default function JobList({ onFollow }: { onFollow: () => void }) {
  const t = useText(jobsText);
  const { data: jobs = [] } = useJobs();
  return (
    <div className={styles.menu}>
      {jobs.length === 0 ? (
        <EmptyState text={t.none} />
      ) : (
        <ul className={styles.list}>
          {jobs.slice(0, FIRST).map(job => (
            <li key={job.id}>
              <JobRow job={job} onFollow={onFollow} />
            </li>
          ))}
        </ul>
      )}
      <Link to="/jobs" onClick={onFollow}>
        {t.all}
      </Link>
    </div>
  );
}
