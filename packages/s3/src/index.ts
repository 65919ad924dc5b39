export { NoS3Answer, type S3Fault, type S3Settings, settingsUnder } from './s3-fault.js';
export { listObjects, type S3Object } from './s3-objects.js';
export { nextPage, type S3Marker } from './s3-page.js';
export { readObject, readPart, type S3Listed, type S3Patience } from './s3-reading.js';
export {
  createS3Requests,
  type S3Called,
  type S3Connection,
  S3Failure,
  type S3Send,
  type S3Timing,
  s3Connection,
} from './s3-requests.js';
export { beginUpload, type S3Upload } from './s3-upload.js';
export { abortUpload, deleteObject, headObject, putObject, uploadsOf } from './s3-write.js';
