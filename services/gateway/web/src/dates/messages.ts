import { messages } from "@/i18n";

export const datesText = messages(
  {
    open: (what: string) => `${what}：打开日历`,
    calendar: (what: string) => `${what}：日历`,
    clear: (what: string) => `${what}：清除`,
    example: "年-月-日",
    noDate: "请写成 2026-07-03 或 7月3日",
    tooEarly: (date: string) => `不能早于 ${date}`,
    tooLate: (date: string) => `不能晚于 ${date}`,
    today: "今天",
    chosen: "已选",
    holiday: "休",
    workday: "班",
    holidayOf: (name: string) => `${name}，休`,
    workdayOf: (name: string) => `${name}调休，上班`,
    notAnnounced: "假期未公布",
    notLoaded: "假期没读出来",
  },
  {
    open: (what: string) => `${what}: open the calendar`,
    calendar: (what: string) => `${what}: calendar`,
    clear: (what: string) => `${what}: clear`,
    example: "YYYY-MM-DD",
    noDate: "Write it as 2026-07-03 or 7-3",
    tooEarly: (date: string) => `Not before ${date}`,
    tooLate: (date: string) => `Not after ${date}`,
    today: "Today",
    chosen: "chosen",
    // The signs of every Chinese calendar; their tooltips say it in English.
    holiday: "休",
    workday: "班",
    holidayOf: (name: string) => `${name}, day off`,
    workdayOf: (name: string) => `Working day in lieu of ${name}`,
    notAnnounced: "Not announced",
    notLoaded: "Holidays did not load",
  },
);
