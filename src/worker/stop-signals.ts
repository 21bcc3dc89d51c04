// The process's wish to stop, as an AbortSignal. Nothing in Errand listens to process signals unless this is called.

/**
 * A signal that aborts on the first SIGTERM or SIGINT. The handlers are gone then, so that a second one ends the process at
 * once, as it would have without them.
 */
export function stopSignals(names: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT']): AbortSignal {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals): void => {
    for (const each of names) process.off(each, onSignal)
    controller.abort(name)
  }
  for (const name of names) process.on(name, onSignal)
  return controller.signal
}
