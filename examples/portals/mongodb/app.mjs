/** The app of Analysis Corp: to it MongoDB is on its own localhost. `app.mjs PORT` */
import { MongoClient } from 'mongodb';

const client = new MongoClient(`mongodb://127.0.0.1:${process.argv[2]}`, { serverSelectionTimeoutMS: 15_000, directConnection: true });
try {
  await client.connect();
  const users = client.db('test').collection('users');
  await users.deleteMany({});
  await users.insertMany([
    { name: 'Ada', email: 'ada@example.com' },
    { name: 'Grace', email: 'grace@example.com' },
  ]);
  for (const { name, email } of await users.find().sort({ name: 1 }).toArray()) console.log(`${name} ${email}`);
  await client.close();
} catch (thrown) {
  console.error(`The database was not reached: ${thrown.message}`);
  process.exit(1);
}
