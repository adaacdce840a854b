/** Whether an answer's status tells of a fault of ours: 501 tells what is not offered, to whoever asks for it. */
export const isFault = (status: number): boolean => status >= 500 && status !== 501;
