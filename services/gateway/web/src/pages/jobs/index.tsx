import { useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { asProblem } from "@/api/problem";
import { BlockError } from "@/components/BlockError";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { SystemTime } from "@/components/Time";
import { common, useLanguage, useText, word } from "@/i18n";
import { fileOf, forgetJob, isUnfinished, JOBS, type Job } from "@/jobs/api";
import { JobProgress, JobRow } from "@/jobs/JobRow";
import styles from "@/jobs/jobs.module.css";
import { jobsText } from "@/jobs/messages";
import { useJobs } from "@/jobs/useJobs";

/** One's exports of the last 24 hours, or one of them. */
export default function Jobs() {
  const t = useText(jobsText);
  const { id } = useParams();
  const query = useJobs();
  return (
    <Page title={id ? t.which : t.title} extra={id && <Link to="/jobs">{t.all}</Link>}>
      <QueryBlock
        query={query}
        what={t.title}
        skeleton={<Skeletons n={3} height={56} />}
        empty={jobs => (jobs.length === 0 && !id ? <EmptyState text={t.none} /> : null)}
      >
        {jobs => {
          if (!id) {
            return (
              <ul className={styles.card}>
                {jobs.map(job => (
                  <li key={job.id}>
                    <JobRow job={job} />
                  </li>
                ))}
              </ul>
            );
          }
          const job = jobs.find(job => job.id === id);
          return job ? <One job={job} /> : <EmptyState text={t.gone} />;
        }}
      </QueryBlock>
      <p className="kam-secondary kam-small">{t.scope}</p>
    </Page>
  );
}

function One({ job }: { job: Job }) {
  const t = useText(jobsText);
  const words = useText(common);
  const language = useLanguage();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [error, setError] = useState<Error>();
  const name = t.name(word(t.list, job.list), job.format.toUpperCase());
  const filter = Object.entries(job.filter);
  const remove = (): void => {
    forgetJob(job.id)
      .then(() => client.invalidateQueries({ queryKey: JOBS }))
      .then(() => navigate("/jobs"))
      .catch((problem: unknown) => setError(asProblem(problem)));
  };
  return (
    <section className={styles.card} aria-label={name}>
      <h2>{name}</h2>
      <output>
        {word(t.state, job.state)} · {isUnfinished(job) ? t.progress(job.done, job.total) : t.rows(job.done)}
        {job.failure && ` · ${job.failure[language]}`}
      </output>
      {isUnfinished(job) && (
        <>
          <JobProgress job={job} label={name} />
          <p>{t.started(job.total)}</p>
        </>
      )}
      <dl className={styles.facts}>
        <dt className="kam-secondary">{t.filter}</dt>
        <dd>{filter.length ? filter.map(([field, value]) => `${field}=${value}`).join(" · ") : t.everything}</dd>
        <dt className="kam-secondary">{t.startedAt}</dt>
        <dd>
          <SystemTime at={job.created_at} />
        </dd>
        {job.finished_at && (
          <>
            <dt className="kam-secondary">{t.finishedAt}</dt>
            <dd>
              <SystemTime at={job.finished_at} />
            </dd>
          </>
        )}
        {job.as_of && (
          <>
            <dt className="kam-secondary">{t.asOf}</dt>
            <dd>
              <SystemTime at={job.as_of} />
            </dd>
          </>
        )}
        {job.size !== null && (
          <>
            <dt className="kam-secondary">{t.size}</dt>
            <dd>{Math.max(1, Math.round(job.size / 1024)).toLocaleString("en-US")} KB</dd>
          </>
        )}
      </dl>
      <div className={styles.buttons}>
        {job.state === "done" && (
          <Button type="primary" href={fileOf(job)} download>
            {words.action.download}
          </Button>
        )}
        <Button onClick={remove}>{t.remove}</Button>
      </div>
      {error && <BlockError what={name} error={error} retry={remove} />}
    </section>
  );
}
