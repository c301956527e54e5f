// Names instead of numbers: with numbers, the built files would depend on the folder they were built in.
module.exports = {
  optimization: { moduleIds: 'named', chunkIds: 'named' }
};
