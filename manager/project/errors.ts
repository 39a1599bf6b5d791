import { PosternError } from '../../runtime/errors.ts';

/** A project that cannot be started or joined as asked; nothing was changed. The text says what to do next. */
export class ProjectError extends PosternError<'PROJECT_SETTING' | 'PROJECT_STATE'> {}
