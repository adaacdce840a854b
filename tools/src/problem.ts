/** A problem that stops a stack: what went wrong in one sentence, and what to do in another. */
export class StackProblem extends Error {
  readonly advice: string;

  constructor(what: string, advice: string, cause?: unknown) {
    super(`${what}\n  What to do: ${advice}`, { cause });
    this.name = 'StackProblem';
    this.advice = advice;
  }
}

/** Checked by its fields: under Jest, Node's own errors are not instances of Error. */
function partsOf(error: unknown): { code?: unknown; errors?: unknown; message?: unknown } {
  return typeof error === 'object' && error !== null ? error : {};
}

export function messageOf(error: unknown): string {
  const { message, errors } = partsOf(error);
  if (!message && Array.isArray(errors)) return messageOf(errors[0]);
  return typeof message === 'string' ? message : String(error);
}

/** The code of an error from Node or the system, such as ENOSPC; '' when it has none. */
export function codeOf(error: unknown): string {
  const { code } = partsOf(error);
  return typeof code === 'string' ? code : '';
}

/** Advice for failures of a machine rather than of a program; undefined when the text shows none. */
export function machineAdvice(text: string): string | undefined {
  if (/ENOSPC|no space left on device/i.test(text))
    return 'the disk is full: free some space, then try again';
  if (/EDQUOT|disk quota exceeded/i.test(text))
    return 'your disk quota is used up: free some space, then try again';
  if (/EADDRINUSE|address already in use/i.test(text)) {
    return 'another program listens on that port: stop it (find it with: lsof -i, or ss -ltnp), then try again';
  }
  if (/EROFS|read-only file system/i.test(text))
    return 'the folder is read-only: use a copy you may write to';
  if (/EACCES|EPERM|permission denied/i.test(text)) {
    return 'you may not write or run something there: look at the owner and mode of the folder, then try again';
  }
  if (/EMFILE|ENFILE|too many open files/i.test(text))
    return 'too many files are open: raise the limit (ulimit -n 4096)';
  if (/error while loading shared libraries|image not found/i.test(text)) {
    return 'a library is missing: run "npm rebuild", and if that does not help, delete node_modules and run "npm install"';
  }
  if (/ENOMEM|cannot allocate memory|out of memory/i.test(text))
    return 'the memory is used up: close other programs, then try again';
  return undefined;
}
