// Which page a route shows.

import type { JSX } from 'preact'
import { href } from '../navigation.ts'
import type { Route } from '../route.ts'
import { ActivitiesPage } from './activities.tsx'
import { ActivityPage } from './one-activity.tsx'
import { AuditPage } from './audit.tsx'
import { DeadLettersPage } from './dead-letters.tsx'
import { DoctorPage } from './doctor.tsx'
import { GroupPage } from './group.tsx'
import { OperationPage } from './operation.tsx'
import { OperationsPage } from './operations.tsx'
import { OverviewPage } from './overview.tsx'
import { TopicsPage } from './topics.tsx'
import { WorkersPage } from './workers.tsx'

/** The page. */
export function Page({ route }: { readonly route: Route }): JSX.Element {
  switch (route.page) {
    case 'overview':
      return <OverviewPage type={route.query.type} />
    case 'activities':
      return <ActivitiesPage query={route.query} />
    case 'activity':
      return <ActivityPage key={route.id} id={route.id} />
    case 'dead-letters':
      return <DeadLettersPage query={route.query} />
    case 'group':
      return <GroupPage key={route.id} fingerprint={route.id} query={route.query} />
    case 'operations':
      return <OperationsPage />
    case 'operation':
      return <OperationPage key={route.id} id={route.id} />
    case 'workers':
      return <WorkersPage />
    case 'topics':
      return <TopicsPage />
    case 'doctor':
      return <DoctorPage />
    case 'audit':
      return <AuditPage />
    case 'unknown':
      return (
        <div class="state empty">
          <h1>There is no such page</h1>
          <p>
            <code>{route.path}</code> leads nowhere. <a href={href('')}>To the overview</a>
          </p>
        </div>
      )
  }
}
