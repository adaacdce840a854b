/** A failure with an explanation: what went wrong, and what to do. */
export class Problem extends Error {
  constructor(what, advice) {
    super(what);
    this.advice = advice;
  }
}

const KNOWN = [
  [
    /ENOSPC|no space left on device/i,
    'the disk is full: free some space (the packages need about 1 GB), then run the same command again',
  ],
  [
    /EDQUOT|disk quota exceeded/i,
    'your disk quota is used up: free some space, then run the same command again',
  ],
  [/EROFS|read-only file system/i, 'the folder is read-only: use a copy you may write to'],
  [
    /EACCES|EPERM|permission denied/i,
    'you may not write there: look at the owner of the folder and of node_modules (files left by root?), correct it (chown), then run the same command again',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|network request|FETCH_ERROR/i,
    'the package registry cannot be reached: check the network, the proxy and "npm config get registry", then run the same command again',
  ],
  [
    /CERT_|certificate/i,
    "the registry's certificate is not trusted: behind a company proxy set NODE_EXTRA_CA_CERTS to its certificate",
  ],
  [
    /\bE401\b|\bE403\b/i,
    'the package registry refuses access: check "npm config get registry" and its credentials',
  ],
  [
    /\bE404\b|ETARGET/i,
    'the registry lacks a package: check "npm config get registry"; a mirror may be behind',
  ],
  [
    /EUSAGE|can only install packages when/i,
    'package.json and package-lock.json do not agree: run "npm install" and look at what it changes',
  ],
  [
    /heap out of memory|ENOMEM|cannot allocate memory/i,
    'the memory is used up: close other programs, then run the same command again',
  ],
  [
    /EMFILE|ENFILE|too many open files/i,
    'too many files are open: raise the limit (ulimit -n 4096), then run the same command again',
  ],
];

/** The advice for a failure whose output contains this text; `otherwise` when no known text is in it. */
export function adviceFor(text, otherwise) {
  const known = KNOWN.find(([pattern]) => pattern.test(text));
  return known ? known[1] : otherwise;
}
