export { NoS3Answer, type S3Fault } from './s3-fault.js';
export {
  createS3Requests,
  type S3Connection,
  S3Failure,
  type S3Send,
  type S3Timing,
  s3Connection,
} from './s3-requests.js';
